/**
 * Verifies a log from its bytes, signed heads and public keys alone: over a directory or over exported files.
 *
 * AUDIT-10 Any edit, deletion, insertion or swap before the newest signed head is found, a full rewrite with
 * recomputed hashes included. AUDIT-11 A log that ends before a signed head is found. What no head covers yet can be
 * cut off at the end, or rewritten from there on, unseen. AUDIT-26 A log that starts late is good only where a record of
 * its own, before a signed head, says that the segment before was removed.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HeadCheck, readHeads, type KnownHeads } from './head-check.js';
import { READ_CHUNK_BYTES } from './limits.js';
import { READ_FLAGS } from './log-fs.js';
import { segmentNames } from './segment-name.js';
import { prunedIn } from './pruned.js';
import type { Head, Problem, SegmentSource, VerifyResult } from './types.js';
import type { Chain } from './chain.js';
import { Walker } from './walker.js';

/** A directory of segments; or the segments themselves, oldest first. */
export type LogSource =
  | { readonly dir: string; readonly segments?: undefined }
  | { readonly segments: AsyncIterable<SegmentSource>; readonly dir?: undefined };

interface ReadingOptions extends KnownHeads {
  /** Trusted head before the first segment. Without it a log that starts late must say itself that the rest was removed (AUDIT-26). */
  readonly from?: Head;
  /** Chain hashes somebody wrote down, 64 hexadecimal digits; `found` says which of them this log had. */
  readonly hashes?: readonly string[];
  /** After each chunk of a segment: bytes and good records so far. */
  readonly onProgress?: (bytes: number, records: number) => void;
  /** Each record that is good so far. */
  readonly onRecord?: (event: string, line: Buffer) => void;
  /** Negative control of the tests only. */
  readonly checkChain?: boolean;
}

export type VerifyOptions = LogSource & ReadingOptions;

// eslint-disable-next-line @typescript-eslint/require-await -- read with `for await`, as what comes over a socket is
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
// eslint-disable-next-line @typescript-eslint/require-await -- read with `for await`, as what comes over a socket is
export async function* readSegments(dir: string): AsyncGenerator<SegmentSource> {
  for (const name of segmentNames(readdirSync(dir))) yield { name, chunks: fileChunks(join(dir, name)) };
}

type OnBytes = (bytes: number) => void;

const walk = async (walker: Walker, segments: AsyncIterable<SegmentSource>, onBytes: OnBytes): Promise<Problem | null> => {
  let bytes = 0;
  for await (const { name, chunks } of segments) {
    const named = walker.startSegment(name);
    if (named !== null) return named;
    for await (const chunk of chunks) {
      const bad = walker.push(chunk);
      if (bad !== null) return bad;
      onBytes((bytes += chunk.length));
    }
    const ended = walker.endSegment();
    if (ended !== null) return ended;
  }
  return null;
};

/** What one reading of a log learns, record by record. */
class Reading {
  records = 0;
  readonly check: HeadCheck;
  readonly found: Head[] = [];
  /** Where the log starts; null before the first record. */
  start: Head | null = null;
  /** What is wrong with the heads of where it starts. */
  badStart: string | null = null;
  /** `seq` of the record that says that everything before `start` was removed. */
  #prunedAt: number | null = null;
  #file = '';
  readonly #options: ReadingOptions;
  readonly #hashes: ReadonlySet<string>;

  constructor(options: ReadingOptions, check: HeadCheck) {
    this.#options = options;
    this.check = check;
    this.#hashes = new Set(options.hashes ?? []);
  }

  begin(chain: Chain): string | null {
    this.start = chain.head();
    // Every log begins with h₀, so a head of no records is none that this one had.
    if (chain.size > 0 && this.#hashes.has(chain.hash)) this.found.push(chain.head());
    return (this.badStart = this.#options.checkChain === false ? null : this.check.begin(chain));
  }

  record(event: string, line: Buffer, chain: Chain): string | null {
    const bad =
      (this.#options.checkChain === false ? null : this.check.pass(chain)) ??
      (event === 'checkpoint' ? this.check.checkpoint(line, chain) : null);
    if (bad !== null) return bad;
    this.records += 1;
    this.#options.onRecord?.(event, line);
    if (this.#hashes.size > 0 && this.#hashes.has(chain.hash)) this.found.push(chain.head());
    const pruned = event === 'log_pruned' ? prunedIn(line) : null;
    if (pruned !== null && pruned.size === this.start?.size && pruned.hash === this.start.hash) this.#prunedAt = chain.size;
    return null;
  }

  segment(name: string): void {
    if (this.#file === '') this.#file = name;
  }

  /** AUDIT-26 */
  late(): Problem | null {
    const { start } = this;
    if (start === null || start.size === 0 || this.#options.from !== undefined || this.#options.checkChain === false) return null;
    if (this.#prunedAt !== null && this.#prunedAt <= this.check.newest) return null;
    const why =
      this.#prunedAt === null
        ? 'no record says that what stood before was removed'
        : 'no signed head covers the record that says why';
    return { file: this.#file, line: 1, problem: `seq is ${start.size + 1}, not 1, and ${why}` };
  }

  result(bad: Problem | null): VerifyResult {
    const { records, start } = this;
    const late = start !== null && start.size > 0 && this.#options.from === undefined ? { from: start } : {};
    const found = this.#options.hashes === undefined ? {} : { found: this.found };
    const before = this.check.before.map(({ name, size }) => ({ name: name ?? '', size }));
    const seen = { records, checkpoints: this.check.matched, ...late, ...found, ...(before.length === 0 ? {} : { before }) };
    return bad === null
      ? { ok: true, ...seen }
      : { ok: false, ...seen, firstBad: { file: bad.file, line: bad.line, problem: bad.problem } };
  }
}

/** Reads the whole log once. @throws what reading the files throws; a damaged log is a result, not an exception. */
export const verifyLog = async (options: VerifyOptions): Promise<VerifyResult> => {
  const heads = readHeads(options);
  const reading = new Reading(options, new HeadCheck(options, Array.isArray(heads) ? heads : []));
  if (!Array.isArray(heads)) return reading.result(heads);
  const walker: Walker = new Walker({
    from: options.from ?? null,
    checkChain: options.checkChain ?? true,
    onStart: () => reading.begin(walker.chain),
    onRecord: (event, line, chain) => reading.record(event, line, chain),
  });
  const named = async function* (): AsyncGenerator<SegmentSource> {
    for await (const segment of options.segments === undefined ? readSegments(options.dir) : options.segments) {
      reading.segment(segment.name);
      yield segment;
    }
  };
  const bad = await walk(walker, named(), (bytes) => options.onProgress?.(bytes, reading.records));
  if (reading.start === null) reading.begin(walker.chain);
  if (reading.badStart !== null) return reading.result({ file: 'heads', line: 1, problem: reading.badStart });
  return reading.result(bad ?? (options.checkChain === false ? null : (reading.check.beyond(walker.chain) ?? reading.late())));
};
