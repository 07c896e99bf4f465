/** Compares a log, as it is walked, with every signed head that it must contain. */
import { asAirlockError } from '@airlock/protocol';
import { EMPTY_HEAD, type Chain } from './chain.js';
import { CHECKPOINT_REACH } from './limits.js';
import { parseSignedHead, verifySignedHead } from './signed-head.js';
import type { Head, Problem, SignedHead } from './types.js';

/** A signed note that somebody kept. */
export interface KeptHead {
  /** How a problem with it names it. */
  readonly name: string;
  readonly note: string;
}

/** What is known of a log before it is read. */
export interface KnownHeads {
  /** The log's name in its heads. Heads of another log are a problem; `checkpoint` records are checked only with it. */
  readonly origin?: string;
  /** Signed notes that the log must contain. */
  readonly heads?: readonly string[];
  /** Signed notes that somebody kept: as `heads`, but one of before the log's start says nothing of it (AUDIT-26). */
  readonly kept?: readonly KeptHead[];
  /** Text forms of the keys that may sign heads. */
  readonly publicKeys?: readonly string[];
}

/** A signed head that the log must contain. */
export interface ExpectedHead extends Head {
  /** Where a problem with it is. */
  readonly file: string;
  readonly line: number;
  /** What a problem with it calls it; null for one that nobody kept. */
  readonly name: string | null;
}

/** The hashes of the last CHECKPOINT_REACH records, to look a `checkpoint` record's head up. */
class RecentHashes {
  readonly #ring = Buffer.alloc(CHECKPOINT_REACH * 32);

  put(chain: Chain): void {
    chain.bytes.copy(this.#ring, (chain.size % CHECKPOINT_REACH) * 32);
  }

  at(size: number, newest: number, oldest: number): string | null {
    if (size > newest || size < oldest || newest - size >= CHECKPOINT_REACH - 1) return null;
    const slot = (size % CHECKPOINT_REACH) * 32;
    return this.#ring.toString('hex', slot, slot + 32);
  }
}

const problemOf = (thrown: unknown): string => asAirlockError(thrown).message;

const problemAt = ({ file, line }: Pick<ExpectedHead, 'file' | 'line'>, problem: string): Problem => ({ file, line, problem });

const nameOf = ({ name, size }: ExpectedHead): string => name ?? `the signed head of ${size} records`;

/** Where no keys are given, none is known: no signature holds. */
const keysOf = ({ publicKeys }: KnownHeads): readonly string[] => publicKeys ?? [];

/** Checks signatures and origins. @returns the heads by size, or what is wrong with the first bad one. */
export const readHeads = (options: KnownHeads): ExpectedHead[] | Problem => {
  const heads: ExpectedHead[] = [];
  const given = [
    ...(options.heads ?? []).map((note, index) => ({ note, name: null, file: 'heads', line: index + 1 })),
    ...(options.kept ?? []).map(({ note, name }) => ({ note, name, file: name, line: 1 })),
  ];
  for (const { note, ...at } of given) {
    try {
      const head = verifySignedHead(keysOf(options), note);
      if (options.origin !== undefined && head.origin !== options.origin)
        return problemAt(at, `a head of another log: ${head.origin}`);
      heads.push({ size: head.size, hash: head.hash, ...at });
    } catch (thrown) {
      return problemAt(at, problemOf(thrown));
    }
  }
  return heads.sort((a, b) => a.size - b.size);
};

/** Compares the chain with every signed head as it passes; pure over what it is fed. `begin` comes first. */
export class HeadCheck {
  /** Heads that were met. One of no records is met by every log, and does not count. */
  matched = 0;
  /** Kept heads of what is no longer there. */
  readonly before: ExpectedHead[] = [];
  readonly #options: KnownHeads;
  readonly #heads: readonly ExpectedHead[];
  /** Only where `checkpoint` records are looked at. */
  readonly #recent: RecentHashes | null;
  #start = EMPTY_HEAD.size;
  #next = 0;

  constructor(options: KnownHeads, heads: readonly ExpectedHead[]) {
    this.#options = options;
    this.#heads = heads;
    this.#recent = options.origin === undefined ? null : new RecentHashes();
  }

  /** The log starts behind this head. @returns a problem with the heads of its size, or before it. */
  begin(chain: Chain): string | null {
    this.#start = chain.size;
    return this.pass(chain);
  }

  /** Size of the newest head that was met. */
  get newest(): number {
    return this.#heads[this.#next - 1]?.size ?? 0;
  }

  /** @returns a problem with the heads of the chain's present size. */
  pass(chain: Chain): string | null {
    this.#recent?.put(chain);
    for (let head = this.#heads[this.#next]; head !== undefined && head.size <= chain.size; head = this.#heads[this.#next]) {
      if (head.size === chain.size && head.hash !== chain.hash) return `${nameOf(head)} has another history`;
      if (head.size < this.#start && head.name === null) return `${nameOf(head)} lies before the log`;
      this.#next += 1;
      if (head.size < this.#start) this.before.push(head);
      else if (head.size > 0) this.matched += 1;
    }
    return null;
  }

  /** A `checkpoint` record holds a signed note; one of another log says nothing about this one. */
  checkpoint(line: Buffer, chain: Chain): string | null {
    if (this.#recent === null) return null;
    try {
      const { note } = JSON.parse(line.toString('utf8')) as { note?: unknown };
      if (typeof note !== 'string') return 'a checkpoint without a note';
      let head: SignedHead = parseSignedHead(note);
      if (head.origin !== this.#options.origin) return null;
      const keys = keysOf(this.#options);
      if (keys.length > 0) head = verifySignedHead(keys, note);
      const found = this.#recent.at(head.size, chain.size - 1, this.#start);
      if (found === null) return 'a checkpoint out of reach';
      if (found !== head.hash) return 'a checkpoint of another history';
      if (head.size > 0) this.matched += 1;
      return null;
    } catch (thrown) {
      return problemOf(thrown);
    }
  }

  /** The first head that lies beyond the log's end. */
  beyond(chain: Chain): Problem | null {
    const head = this.#heads[this.#next];
    if (head === undefined) return null;
    return problemAt(head, `the log ends at ${chain.size}, before this head of ${head.size}`);
  }
}
