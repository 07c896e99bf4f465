/** `access.status`: leases and requests of this session. */
import type { AccessStatus } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

export const accessStatus = async (caller: Caller): Promise<AccessStatus> =>
  readAnswer('access.status', await caller.call('access.status', {}), {
    role: 'string',
    session: 'string',
    locked: 'boolean',
    tainted: 'boolean',
    taint: 'any',
    blocked: 'any',
    leases: 'array',
    pending: 'array',
    grants: 'array',
  });
