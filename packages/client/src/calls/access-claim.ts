/** `access.claim`: takes up what an operator granted unasked. */
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

export interface ClaimedLease {
  readonly lease: string;
  readonly expiresAt: string;
}

export const accessClaim = async (caller: Caller, grant: string): Promise<ClaimedLease> =>
  readAnswer('access.claim', await caller.call('access.claim', { grant }), { lease: 'string', expiresAt: 'string' });
