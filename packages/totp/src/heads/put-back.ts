/**
 * Whether this daemon was put back to an older state (docs/spec/release.md BRIDGE-8). What it has forgotten, it cannot miss; but
 * it signed the other log's heads meanwhile, and those came with them.
 */
import { verifySignedHead, type SignedHead } from '@airlock/audit';
import type { HeldHead } from '@airlock/protocol';
import { GATEWAY_LOG, type Heads } from './heads.js';

/** What is known here of the heads of the gateway's log. */
export type KnownHeads = Pick<Heads, 'note' | 'last' | 'givenUp' | 'publicKey'>;

/** The head in a note, if it was signed here. */
const signedHere = (heads: KnownHeads, note: string): SignedHead | null => {
  try {
    const head = verifySignedHead(heads.publicKey(GATEWAY_LOG), note);
    return head.origin === GATEWAY_LOG ? head : null;
  } catch {
    return null;
  }
};

/** The log that holds it is about to be set aside (ACCEPT-4). */
const isGivenUp = (heads: KnownHeads, begunAnew: string | undefined): boolean => {
  const givenUp = heads.givenUp(GATEWAY_LOG);
  return heads.note(GATEWAY_LOG) === null && givenUp !== null && givenUp.id !== begunAnew;
};

/** @returns the head that was signed here and is not known here, or null. A head is durable before it leaves (HEADS-1). Pure. */
export const forgottenHead = (heads: KnownHeads, { head: note, begunAnew }: HeldHead): SignedHead | null => {
  if (note === undefined || isGivenUp(heads, begunAnew)) return null;
  const head = signedHere(heads, note);
  const last = heads.last(GATEWAY_LOG);
  if (head === null || head.size < last.size) return null;
  return head.size > last.size || head.hash !== last.hash ? head : null;
};
