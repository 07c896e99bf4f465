/** `hello`: the first request of a connection; takes up a session where `resume` names one. */
import type { HelloParams, HelloResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

/** @throws AirlockError METHOD_UNKNOWN, PARAMS_INVALID or what the gateway says of the session. */
export const hello = async (caller: Caller, params: HelloParams): Promise<HelloResult> =>
  readAnswer('hello', await caller.call('hello', params), {
    role: 'string',
    session: 'string',
    resume: 'string',
    protocol: 'number',
  });
