/** `services.list`: what this role may ever get. */
import type { ServiceSummary } from '@airlock/protocol';
import { readList } from '../answer.js';
import type { Caller } from './caller.js';

export const servicesList = async (caller: Caller): Promise<readonly ServiceSummary[]> =>
  readList('services.list', await caller.call('services.list', {}), {
    service: 'string',
    kind: 'string',
    title: 'string',
    operations: 'array',
  });
