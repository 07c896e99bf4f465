/**
 * Whether this daemon was put back to an older state (docs/spec/release.md BRIDGE-8). What it has forgotten, it cannot miss; but
 * it signed the other log's heads meanwhile, and those came with them.
 */
import { verifySignedHead, type Head, type SignedHead } from '@airlock/audit';
import type { HeldHead } from '@airlock/protocol';
import { GATEWAY_LOG, type Heads } from './heads.js';

/** What is known here of the heads of the gateway's log. */
export type KnownHeads = Pick<Heads, 'last' | 'givenUp' | 'publicKey'>;

/** The head in a note, if it was signed here. */
const signedHere = (heads: KnownHeads, note: string): SignedHead | null => {
  try {
    const head = verifySignedHead(heads.publicKey(GATEWAY_LOG), note);
    return head.origin === GATEWAY_LOG ? head : null;
  } catch {
    return null;
  }
};

/** What was forgotten: a head that was signed here, and the decision that its log began with, where it is not known here. */
export interface Forgotten {
  readonly head: SignedHead;
  readonly begunAnew: string | null;
}

/** How the decision that the gateway's log began with stands to those that are known here. */
type Beginning = 'same' | 'older' | 'unknown';

const beginningOf = (heads: KnownHeads, begunAnew: string | undefined): Beginning => {
  const givenUp = heads.givenUp(GATEWAY_LOG);
  if (begunAnew === givenUp?.id) return 'same';
  return begunAnew === undefined || givenUp?.before?.includes(begunAnew) === true ? 'older' : 'unknown';
};

const isNewer = (head: SignedHead, last: Head): boolean =>
  head.size > last.size || (head.size === last.size && head.hash !== last.hash);

/**
 * @returns what was signed here and is not known here, or null. A head is durable before it leaves (HEADS-1). A log that began with
 * an older decision is about to be set aside (ACCEPT-4), or is itself an older one, which its heads tell (BRIDGE-6). Pure.
 */
export const forgottenHead = (heads: KnownHeads, { head: note, begunAnew }: HeldHead): Forgotten | null => {
  const head = note === undefined ? null : signedHere(heads, note);
  const beginning = beginningOf(heads, begunAnew);
  if (head === null || beginning === 'older') return null;
  if (beginning === 'unknown') return { head, begunAnew: begunAnew ?? null };
  return isNewer(head, heads.last(GATEWAY_LOG)) ? { head, begunAnew: null } : null;
};
