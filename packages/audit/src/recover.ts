/**
 * What opening a log does before the first append: verifies from the last durable head on, and mends a torn tail.
 *
 * AUDIT-8 Only what lies after the last durable head, at the end of the newest segment, and does not parse may be cut;
 * the cut is recorded as `log_cut`, written over the torn bytes before the rest is cut off, so that no crash leaves a
 * cut without a record. AUDIT-9 Any other damage seals the log, named by file and line.
 */
import { join } from 'node:path';
import { EMPTY_HEAD, lineDigestLatin1, type Chain } from './chain.js';
import { READ_WRITE_FLAGS, type LogFs } from './log-fs.js';
import { encodeRecord } from './record.js';
import { sealedBecause } from './sealing.js';
import { dayOf, segmentNames } from './segment-name.js';
import { firstSeq, indexOfSeq, segmentChunks, segmentLines } from './segment-reader.js';
import { parseSignedHead } from './signed-head.js';
import { openFile } from './trusted-files.js';
import type { Head, LogOptions } from './types.js';
import { Walker, type WalkProblem } from './walker.js';

/** Where the writer goes on. `segment` is null in an empty directory. */
export interface Recovered {
  readonly chain: Chain;
  readonly segment: { readonly name: string; readonly size: number } | null;
  /** Bytes of a torn tail that were cut. */
  readonly cutBytes: number;
  /** Newest signed note of this log among its `checkpoint` records, where it was looked for. */
  readonly checkpoint: string | null;
}

export interface RecoverOptions {
  readonly fs: LogFs;
  readonly dir: string;
  readonly origin: string | undefined;
  readonly durableHead: Head | undefined;
  /** ISO 8601, for the `log_cut` record. */
  readonly ts: string;
  /** Digests (latin1) of the records after the durable head, in order. */
  readonly onDigest: (size: number, digest: string) => void;
}

const CHECKPOINT = Buffer.from(',"event":"checkpoint",');

interface Checkpoint {
  readonly head: Head;
  readonly note: string | null;
}

const NO_CHECKPOINT: Checkpoint = { head: EMPTY_HEAD, note: null };

/** What a `checkpoint` line of this log holds; a line that is none, or of another log, has none. */
const checkpointIn = (line: Buffer, origin: string): Checkpoint | null => {
  try {
    const note = String((JSON.parse(line.toString('utf8')) as { note?: unknown }).note);
    const { size, hash, origin: of } = parseSignedHead(note);
    return of === origin ? { head: { size, hash }, note } : null;
  } catch {
    return null;
  }
};

type Searched = Pick<RecoverOptions, 'fs' | 'dir' | 'origin' | 'durableHead'>;

const newestCheckpoint = ({ fs, dir, origin, durableHead }: Searched, names: readonly string[]): Checkpoint => {
  if (durableHead !== undefined) return { head: durableHead, note: null };
  if (origin === undefined) return NO_CHECKPOINT;
  for (const name of [...names].reverse()) {
    let newest: Checkpoint | null = null;
    for (const line of segmentLines(fs, dir, name)) if (line.includes(CHECKPOINT)) newest = checkpointIn(line, origin) ?? newest;
    if (newest !== null) return newest;
  }
  return NO_CHECKPOINT;
};

/** The newest signed note in a log that may be damaged, told all the same (HEADS-5 of airlock-gateway): its signature alone says what it is worth. */
export const newestNote = (fs: LogFs, { dir, origin }: Pick<LogOptions, 'dir' | 'origin'>): string | null => {
  try {
    return newestCheckpoint({ fs, dir, origin, durableHead: undefined }, segmentNames(fs.list(dir))).note;
  } catch {
    return null;
  }
};

/** Null: the segment starts before the durable head, whose hash then binds what its first line claims. */
const walkFrom = ({ fs, dir }: RecoverOptions, name: string | undefined, durable: Head): Head | null => {
  const seq = name === undefined ? null : firstSeq(fs, dir, name);
  if (seq === null || seq === 1) return EMPTY_HEAD;
  return seq > durable.size ? durable : null;
};

const damage = ({ file, line, problem }: WalkProblem): never => {
  throw sealedBecause(`${file} line ${line}: ${problem}`);
};

class Recovery {
  readonly walker: Walker;
  size = 0;
  readonly #options: RecoverOptions;
  readonly #durable: Head;

  constructor(options: RecoverOptions, durable: Head, from: Head | null) {
    this.#options = options;
    this.#durable = durable;
    const onRecord = (_event: string, _line: Buffer, chain: Chain, digest: string): string | null => {
      if (chain.size === durable.size && chain.hash !== durable.hash) return 'another history than the last durable head';
      if (chain.size > durable.size) options.onDigest(chain.size, digest);
      return null;
    };
    this.walker = new Walker({ from, onRecord });
  }

  /** @returns the problem at the newest segment's end that may be a torn tail, or null. */
  walk(names: readonly string[]): WalkProblem | null {
    for (const [i, name] of names.entries()) {
      const bad = this.#segment(name);
      if (bad === null) continue;
      const torn = bad.kind === 'parse' && i === names.length - 1 && this.walker.chain.size >= this.#durable.size;
      if (!torn || this.#hasRecordBehind(name, this.walker.offset)) damage(bad);
      return bad;
    }
    return null;
  }

  #segment(name: string): WalkProblem | null {
    let bad = this.walker.startSegment(name);
    this.size = 0;
    for (const chunk of segmentChunks(this.#options.fs, this.#options.dir, name)) {
      this.size += chunk.length;
      bad ??= this.walker.push(chunk);
    }
    return bad ?? this.walker.endSegment();
  }

  /** A whole record behind the damage shows that this is no torn tail. */
  #hasRecordBehind(name: string, offset: number): boolean {
    for (const line of segmentLines(this.#options.fs, this.#options.dir, name, offset)) {
      const alone = new Walker({ from: null, checkChain: false });
      alone.startSegment(name);
      if (alone.push(Buffer.concat([line, Buffer.of(0x0a)])) === null) return true;
    }
    return false;
  }
}

/** Puts `log_cut` in the place of the torn bytes. @returns the segment's size behind it. */
const cut = ({ fs, dir, ts, onDigest }: RecoverOptions, recovery: Recovery, file: string): number => {
  const { chain, offset } = recovery.walker;
  const bytes = recovery.size - offset;
  const day = dayOf(file);
  // AUDIT-3: no record is of a later day than its segment; `at` is when the cut was really made.
  const place = { seq: chain.size + 1, ts: ts.slice(0, 10) > day ? `${day}T23:59:59.999Z` : ts, prev: chain.hash };
  const line = encodeRecord(place, 'log_cut', { bytes, file, at: ts });
  const fd = openFile(fs, join(dir, file), READ_WRITE_FLAGS);
  try {
    for (let at = 0; at < line.length;) {
      const wrote = fs.write(fd, line, at, line.length - at, offset + at);
      if (wrote <= 0) throw sealedBecause('no space to record a cut');
      at += wrote;
    }
    fs.datasyncSync(fd);
    fs.truncate(fd, offset + line.length);
    fs.datasyncSync(fd);
  } finally {
    fs.close(fd);
  }
  const digest = lineDigestLatin1(line.subarray(0, -1));
  chain.extend(digest);
  onDigest(chain.size, digest);
  return offset + line.length;
};

/** @throws AUDIT_UNAVAILABLE for damage, with file and line; or what the file system throws. */
export const recover = (options: RecoverOptions): Recovered => {
  const names = segmentNames(options.fs.list(options.dir));
  const { head: durable, note: checkpoint } = newestCheckpoint(options, names);
  const first = indexOfSeq(options.fs, options.dir, names, durable.size + 1);
  const newest = names.at(-1);
  const recovery = new Recovery(options, durable, walkFrom(options, names[first], durable));
  const { walker } = recovery;
  const bad = recovery.walk(names.slice(first));
  if (walker.chain.size < durable.size)
    throw sealedBecause(`it ends at record ${walker.chain.size}, the last durable head is ${durable.size}`);
  const size = bad === null || newest === undefined ? recovery.size : cut(options, recovery, newest);
  const cutBytes = bad === null ? 0 : recovery.size - walker.offset;
  return { chain: walker.chain, segment: newest === undefined ? null : { name: newest, size }, cutBytes, checkpoint };
};
