/** `access.release`: ends a lease and all that was narrowed from it. */
import { isAirlockError } from '../errors.js';
import type { Caller } from './caller.js';

/** A lease that has ended already is released. @throws AirlockError LEASE_INVALID for what is no lease of this session. */
export const accessRelease = async (caller: Caller, lease: string): Promise<void> => {
  try {
    await caller.call('access.release', { lease });
  } catch (thrown) {
    if (!isAirlockError(thrown, 'LEASE_EXPIRED', 'LEASE_REVOKED')) throw thrown;
  }
};
