/** Compares a log, as it is walked, with every signed head that it must contain. */
import { asAirlockError } from '@airlock/protocol';
import { EMPTY_HEAD, type Chain } from './chain.js';
import { CHECKPOINT_REACH } from './limits.js';
import { parseSignedHead, verifySignedHead } from './signed-head.js';
import type { Head, Problem, SignedHead } from './types.js';

/** What is known of a log before it is read. */
export interface KnownHeads {
  /** The log's name in its heads. Heads of another log are a problem; `checkpoint` records are checked only with it. */
  readonly origin?: string;
  /** Signed notes that the log must contain. */
  readonly heads?: readonly string[];
  /** Text forms of the keys that may sign heads. */
  readonly publicKeys?: readonly string[];
}

/** A signed head that the log must contain; `index` counts from 0 as given. */
export interface ExpectedHead extends Head {
  readonly index: number;
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

/** Where no keys are given, none is known: no signature holds. */
const keysOf = ({ publicKeys }: KnownHeads): readonly string[] => publicKeys ?? [];

/** Checks signatures and origins. @returns the heads by size, or what is wrong with the first bad one. */
export const readHeads = (options: KnownHeads): ExpectedHead[] | Problem => {
  const heads: ExpectedHead[] = [];
  for (const [index, note] of (options.heads ?? []).entries()) {
    const at = { file: 'heads', line: index + 1 };
    try {
      const head = verifySignedHead(keysOf(options), note);
      if (options.origin !== undefined && head.origin !== options.origin)
        return { ...at, problem: `a head of another log: ${head.origin}` };
      heads.push({ size: head.size, hash: head.hash, index });
    } catch (thrown) {
      return { ...at, problem: problemOf(thrown) };
    }
  }
  return heads.sort((a, b) => a.size - b.size);
};

/** Compares the chain with every signed head as it passes; pure over what it is fed. `begin` comes first. */
export class HeadCheck {
  matched = 0;
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
      if (head.size === chain.size && head.hash !== chain.hash) return `signed head ${head.index + 1} has another history`;
      if (head.size < this.#start) return `signed head ${head.index + 1} lies before the log`;
      this.#next += 1;
      this.matched += 1;
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
      this.matched += 1;
      return null;
    } catch (thrown) {
      return problemOf(thrown);
    }
  }

  /** The first head that lies beyond the log's end. */
  beyond(chain: Chain): Problem | null {
    const head = this.#heads[this.#next];
    if (head === undefined) return null;
    return { file: 'heads', line: head.index + 1, problem: `the log ends at ${chain.size}, before this head of ${head.size}` };
  }
}
