/** `access.claim`: takes up what an operator granted unasked. */
import type { ClaimResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

/** @throws AirlockError NOT_FOUND where this role has no such grant, or another session was faster; RATE_LIMITED, LOCKED. */
export const accessClaim = async (caller: Caller, grant: string): Promise<ClaimResult> =>
  readAnswer('access.claim', await caller.call('access.claim', { grant }), {
    lease: 'string',
    expiresAt: 'string',
    intent: 'string?',
  });
