/**
 * Whether this daemon was put back to an older state (docs/spec/release.md BRIDGE-8). What it has forgotten, it cannot miss; but
 * it signed the other log's heads meanwhile, and those came with them.
 */
import { parseSignedHead, verifySignedHead, type Head, type SignedHead } from '@airlock/audit';
import type { HeldHead } from '@airlock/protocol';
import { GATEWAY_LOG, type Heads } from './heads.js';

/** What is known here of the heads of the gateway's log. */
export type KnownHeads = Pick<Heads, 'last' | 'givenUp' | 'publicKey'>;

/** Of a note that nobody here signed. */
const NO_HEAD: Head = { size: 0, hash: '0'.repeat(64) };

/** What a note says of itself. */
const claimedIn = (note: string): Head => {
  try {
    return parseSignedHead(note);
  } catch {
    return NO_HEAD;
  }
};

/** The head in a note, if it was signed here. */
const signedHere = (heads: KnownHeads, note: string): SignedHead | null => {
  try {
    const head = verifySignedHead(heads.publicKey(GATEWAY_LOG), note);
    return head.origin === GATEWAY_LOG ? head : null;
  } catch {
    return null;
  }
};

/**
 * What was forgotten: a head that was signed here, and the decision that its log began with, where it is not known here. With
 * `isForeign` it was signed by a key that is not known here.
 */
export interface Forgotten {
  readonly head: Head;
  readonly begunAnew: string | null;
  readonly isForeign: boolean;
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
 * an older decision is about to be set aside (ACCEPT-4), or is itself an older one, which its heads tell (BRIDGE-6). A head by another key
 * says that the keys here are not those it was signed with: they were drawn anew, or are of another machine. Pure.
 */
export const forgottenHead = (heads: KnownHeads, { head: note, begunAnew }: HeldHead): Forgotten | null => {
  if (note === undefined) return null;
  const head = signedHere(heads, note);
  if (head === null) return { head: claimedIn(note), begunAnew: null, isForeign: true };
  const beginning = beginningOf(heads, begunAnew);
  if (beginning === 'older') return null;
  if (beginning === 'unknown') return { head, begunAnew: begunAnew ?? null, isForeign: false };
  return isNewer(head, heads.last(GATEWAY_LOG)) ? { head, begunAnew: null, isForeign: false } : null;
};
