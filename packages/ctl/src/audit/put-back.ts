/**
 * Whether the record of airlock-totp was put back: an older copy of its whole state, log, heads and lease register, fits itself, and
 * lets revoked leases and used codes count again. What it had signed over the gateway's log meanwhile stands in that one.
 *
 * AUDIT-30  airlock-totp records a head of the gateway's log before it gives it away, so one that it does not know was signed by a
 *           record that is gone.
 */
import { parseSignedHead, verifySignedHead, type Head, type Problem, type SignedHead } from '@airlock/audit';

const GATEWAY = 'airlock-gateway';

/** Which heads of the gateway's log the log of airlock-totp records. */
export interface Recorded {
  /** Sizes of the first and the newest one; null where there is none. */
  readonly first: number | null;
  readonly newest: number | null;
  /** Whether it begins before the first of them: it was neither shortened nor begun anew. */
  readonly isWhole: boolean;
}

/**
 * Whether a head that airlock-totp's log does not record had to be there; `later`: it may be younger than the copy of that log.
 * @param isLive the gateway's log was read before that of airlock-totp, as both grew. Pure.
 */
export const decideMissing = (
  size: number,
  { first, newest, isWhole }: Recorded,
  isLive: boolean,
): 'due' | 'later' | 'before' => {
  if (!isWhole && (first === null || size < first)) return 'before';
  return isLive || size <= (newest ?? 0) ? 'due' : 'later';
};

/** Heads in the gateway's log that were signed after the newest one in the copied log of airlock-totp. */
export interface Unrecorded {
  readonly heads: number;
  /** Size of the first of them. */
  readonly from: number;
}

const parse = (line: Buffer): Readonly<Record<string, unknown>> => JSON.parse(line.toString('utf8')) as Record<string, unknown>;

const headIn = (note: unknown): SignedHead | null => {
  try {
    return typeof note === 'string' ? parseSignedHead(note) : null;
  } catch {
    return null;
  }
};

const isSigned = (key: string, note: string): boolean => {
  try {
    return verifySignedHead([key], note).origin === GATEWAY;
  } catch {
    return false;
  }
};

/** Pure. */
const problemOf = (size: number): Problem => ({
  file: 'heads',
  line: 1,
  problem: `airlock-totp's record was put back: the gateway's log holds a head of ${size} signed by airlock-totp, which airlock-totp's log does not know`,
});

/** What to do about it. */
export const PUT_BACK_HINT =
  'leases that were revoked and codes that were used since may count again: airlock-ctl lock, airlock-ctl revoke --all; keep the files of both logs. It is told until the gateway begins its log anew: sudo airlock-ctl audit accept --log gateway';

/** Pure. */
export const unrecordedText = ({ heads, from }: Unrecorded): readonly string[] => [
  `gateway log: ${heads} signed heads, of ${from} records and more, are younger than the copy of airlock-totp's log, or its record was put back: audit verify on the machine tells which, or copies made while nothing ran`,
];

/** Learns from both logs, in any order. What the second has in common with the first is not kept twice. */
export class PutBack {
  /** Notes in the gateway's log, by size, that were not yet met in the other. */
  readonly #held = new Map<number, string>();
  /** Hashes in the log of airlock-totp, by size, but for those that were met in the gateway's before. */
  readonly #recorded = new Map<number, string>();
  #known: Recorded = { first: null, newest: null, isWhole: true };
  #hasBegun = false;
  /** Whether `problem` told one. */
  isFound = false;

  /** A good record of the log of airlock-totp. */
  recorded(event: string, line: Buffer): void {
    if (this.#hasBegun && event !== 'checkpoint' && event !== 'log_accepted') return;
    const { seq, log, origin, size, hash } = parse(line);
    if (!this.#hasBegun && seq !== 1) this.#known = { ...this.#known, isWhole: false };
    this.#hasBegun = true;
    if (event === 'log_accepted') this.#accepted(log === GATEWAY);
    if (event === 'checkpoint' && origin === GATEWAY && typeof size === 'number' && typeof hash === 'string')
      this.#record({ size, hash });
  }

  /** A good record of the gateway's log. */
  held(event: string, line: Buffer): void {
    const head = event === 'checkpoint' ? headIn(parse(line)['note']) : null;
    if (head?.origin !== GATEWAY) return;
    if (this.#recorded.get(head.size) !== head.hash) this.#held.set(head.size, head.note);
  }

  /** Once both were read whole. @param key the public key of the gateway's heads */
  problem(key: string, isLive: boolean): Problem | null {
    const size = this.#missing('due', isLive).find((one) => isSigned(key, this.#held.get(one) ?? ''));
    this.isFound = size !== undefined;
    return size === undefined ? null : problemOf(size);
  }

  /** Of copies, whose `checkpoint` records were verified: what can only be told where nothing runs. */
  unrecorded(): Unrecorded | null {
    const [from, ...more] = this.#missing('later', false);
    return from === undefined ? null : { heads: more.length + 1, from };
  }

  /** A new log of the gateway's begins with no head; a new one of airlock-totp does not say what it had signed before. */
  #accepted(isGateway: boolean): void {
    if (isGateway) this.#recorded.clear();
    this.#known = isGateway ? { first: null, newest: null, isWhole: true } : { ...this.#known, isWhole: false };
  }

  #record({ size, hash }: Head): void {
    this.#known = { ...this.#known, first: this.#known.first ?? size, newest: size };
    if (headIn(this.#held.get(size))?.hash === hash) this.#held.delete(size);
    else this.#recorded.set(size, hash);
  }

  /** Sizes of heads. */
  #missing(kind: 'due' | 'later', isLive: boolean): readonly number[] {
    return [...this.#held.keys()].filter((size) => decideMissing(size, this.#known, isLive) === kind).sort((a, b) => a - b);
  }
}
