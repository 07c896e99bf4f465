/** `call.result`: the outcome of an operation that needed an approval of its own, executed exactly once. */
import type { CallResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

/** @throws AirlockError APPROVAL_PENDING, APPROVAL_DENIED, APPROVAL_EXPIRED, or what the operation itself says. */
export const callResult = async (caller: Caller, request: string): Promise<CallResult> =>
  readAnswer('call.result', await caller.call('call.result', { request }), { result: 'any', meta: 'object' });
