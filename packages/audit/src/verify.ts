/**
 * Verifies a log from its bytes, signed heads and public keys alone: over a directory or over exported files.
 *
 * AUDIT-10 Any edit, deletion, insertion or swap before the newest signed head is found, a full rewrite with
 * recomputed hashes included. AUDIT-11 A log that ends before a signed head is found. What no head covers yet can be
 * cut off at the end, or rewritten from there on, unseen.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { asAirlockError } from '@airlock/protocol';
import { CHECKPOINT_REACH, READ_CHUNK_BYTES } from './limits.js';
import { READ_FLAGS } from './log-fs.js';
import { segmentNames } from './segment-name.js';
import { parseSignedHead, verifySignedHead } from './signed-head.js';
import type { Head, Problem, SegmentSource, SignedHead, VerifyResult } from './types.js';
import { EMPTY_HEAD, type Chain } from './chain.js';
import { Walker } from './walker.js';

export interface VerifyOptions {
  /** Directory of segments; or `segments`, oldest first. */
  readonly dir?: string;
  readonly segments?: AsyncIterable<SegmentSource>;
  /** The log's name in its heads. Heads of another log are a problem; `checkpoint` records are checked only with it. */
  readonly origin?: string;
  /** Signed notes that the log must contain. */
  readonly heads?: readonly string[];
  /** Text forms of the keys that may sign heads. */
  readonly publicKeys?: readonly string[];
  /** Trusted head before the first segment, where older ones were removed. */
  readonly from?: Head;
  /** Negative control of the tests only. */
  readonly checkChain?: boolean;
}

interface ExpectedHead extends Head {
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

const readHeads = (options: VerifyOptions): ExpectedHead[] | Problem => {
  const heads: ExpectedHead[] = [];
  for (const [index, note] of (options.heads ?? []).entries()) {
    const at = { file: 'heads', line: index + 1 };
    try {
      const head = verifySignedHead(options.publicKeys ?? [], note);
      if (options.origin !== undefined && head.origin !== options.origin)
        return { ...at, problem: `a head of another log: ${head.origin}` };
      heads.push({ size: head.size, hash: head.hash, index });
    } catch (thrown) {
      return { ...at, problem: problemOf(thrown) };
    }
  }
  return heads.sort((a, b) => a.size - b.size);
};

/** Compares the chain with every signed head as it passes; pure over what it is fed. */
class HeadCheck {
  matched = 0;
  readonly #options: VerifyOptions;
  readonly #heads: readonly ExpectedHead[];
  /** Only where `checkpoint` records are looked at. */
  readonly #recent: RecentHashes | null;
  readonly #start: number;
  #next = 0;

  constructor(options: VerifyOptions, heads: readonly ExpectedHead[], chain: Chain) {
    this.#options = options;
    this.#heads = heads;
    this.#start = chain.size;
    this.#recent = options.origin === undefined ? null : new RecentHashes();
    this.#recent?.put(chain);
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
      if ((this.#options.publicKeys ?? []).length > 0) head = verifySignedHead(this.#options.publicKeys ?? [], note);
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

// eslint-disable-next-line @typescript-eslint/require-await
async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, READ_FLAGS);
  try {
    const buffer = Buffer.alloc(READ_CHUNK_BYTES);
    for (;;) {
      const got = readSync(fd, buffer, 0, buffer.length, null);
      if (got === 0) return;
      yield buffer.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}

/** The segments of a directory, oldest first, as `verifyLog` and an export read them. */
// eslint-disable-next-line @typescript-eslint/require-await
export async function* readSegments(dir: string): AsyncGenerator<SegmentSource> {
  for (const name of segmentNames(readdirSync(dir))) yield { name, chunks: fileChunks(join(dir, name)) };
}

const walk = async (walker: Walker, segments: AsyncIterable<SegmentSource>): Promise<Problem | null> => {
  for await (const { name, chunks } of segments) {
    const named = walker.startSegment(name);
    if (named !== null) return named;
    for await (const chunk of chunks) {
      const bad = walker.push(chunk);
      if (bad !== null) return bad;
    }
    const ended = walker.endSegment();
    if (ended !== null) return ended;
  }
  return null;
};

const failed = (records: number, checkpoints: number, { file, line, problem }: Problem): VerifyResult => ({
  ok: false,
  records,
  checkpoints,
  firstBad: { file, line, problem },
});

/** Reads the whole log once. @throws what reading the files throws; a damaged log is a result, not an exception. */
export const verifyLog = async (options: VerifyOptions): Promise<VerifyResult> => {
  const heads = readHeads(options);
  if (!Array.isArray(heads)) return failed(0, 0, heads);
  const from = options.from ?? EMPTY_HEAD;
  let records = 0;
  const bound: { check?: HeadCheck } = {};
  const walker = new Walker({
    from,
    checkChain: options.checkChain ?? true,
    onRecord: (event, line, chain) => {
      const bad =
        (options.checkChain === false ? null : bound.check?.pass(chain)) ??
        (event === 'checkpoint' ? bound.check?.checkpoint(line, chain) : null);
      if ((bad ?? null) === null) records += 1;
      return bad ?? null;
    },
  });
  const check = (bound.check = new HeadCheck(options, heads, walker.chain));
  const atStart = options.checkChain === false ? null : check.pass(walker.chain);
  if (atStart !== null) return failed(0, 0, { file: 'heads', line: 1, problem: atStart });
  const bad =
    (await walk(walker, options.segments ?? readSegments(options.dir ?? '.'))) ??
    (options.checkChain === false ? null : check.beyond(walker.chain));
  return bad === null ? { ok: true, records, checkpoints: check.matched } : failed(records, check.matched, bad);
};
