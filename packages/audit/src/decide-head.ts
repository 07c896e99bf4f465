/**
 * What airlock-totp decides before it countersigns the other daemon's log: pure over the last head it signed.
 *
 * AUDIT-23 A head is signed only if it follows from the last signed head by exactly the digests given:
 * never a shorter log, never another history.
 */
import { AirlockError } from '@airlock/protocol';
import { Chain } from './chain.js';
import type { Head } from './types.js';

/** The head that is to be signed, and the line digests (32 bytes) of every record after the last signed one. */
export interface HeadClaim extends Head {
  readonly digests: readonly Uint8Array[];
}

const mismatch = (what: string, expected: string, found: string): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', `the log does not continue the signed head: ${what}`, { expected, found });

/**
 * @param last the head signed last, EMPTY_HEAD before the first.
 * @returns the head to sign; equal to `last` where nothing was added.
 * @throws AUDIT_UNAVAILABLE for a shorter log, missing or surplus digests, or another history: lock and alert.
 */
export const decideHead = (last: Head, claim: HeadClaim): Head => {
  if (!Number.isSafeInteger(claim.size) || claim.size < last.size)
    throw mismatch('it is shorter', `size >= ${last.size}`, `size ${claim.size}`);
  const added = claim.size - last.size;
  if (claim.digests.length !== added) throw mismatch('wrong number of digests', String(added), String(claim.digests.length));
  const chain = new Chain(last);
  for (const digest of claim.digests) {
    if (digest.length !== 32) throw mismatch('a digest is not 32 bytes', '32', String(digest.length));
    chain.extend(Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1'));
  }
  if (chain.hash !== claim.hash) throw mismatch('another history', chain.hash, claim.hash);
  return chain.head();
};
