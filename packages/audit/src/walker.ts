/**
 * Walks a log's bytes in order and checks every line: what verification and recovery share.
 *
 * AUDIT-1 to AUDIT-6 are decided here. Memory is one line and one chunk, whatever the log's size.
 */
import { isUtf8 } from 'node:buffer';
import { Chain, lineDigestLatin1 } from './chain.js';
import { MAX_LINE_BYTES } from './limits.js';
import { LineScanner } from './line-scanner.js';
import { dayOf, isSegmentName } from './segment-name.js';
import type { Head, Problem } from './types.js';

const LF = 0x0a;
/** AUDIT-1: the members in front, and the longest they can be. */
const FRONT = /^\{"seq":([1-9][0-9]{0,15}),"ts":"(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d\.\d{3}Z","event":"([a-z][a-z0-9_]{0,63})",/u;
const FRONT_CHARS = 136;
/** AUDIT-1: the member at the end. */
const BACK_PREFIX = ',"prev":"';
const BACK = /^,"prev":"[0-9a-f]{64}"\}$/u;
const BACK_CHARS = BACK_PREFIX.length + 64 + 2;

/** `parse`: the line is no record at all (a torn tail looks so). `chain`: it is one, but not this one. */
export interface WalkProblem extends Problem {
  readonly kind: 'parse' | 'chain';
}

export interface WalkOptions {
  /** Where the walk starts; null: wherever the first line says. */
  readonly from: Head | null;
  /** After every good record; a text is a problem with it. `line` is a view. */
  readonly onRecord?: (event: string, line: Buffer, chain: Chain, digest: string) => string | null;
  /** Before the first record, once it is known where the log starts; a text is a problem with it. */
  readonly onStart?: (start: Head) => string | null;
  /** Negative control of the tests: without it only the form of lines is checked. */
  readonly checkChain?: boolean;
}

export class Walker {
  chain: Chain;
  /** Offset in the segment of the line that is read next, or that is bad. */
  offset = 0;
  #started: boolean;
  #hasRecords = false;
  #file = '';
  #line = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #options: WalkOptions;
  readonly #scanner = new LineScanner();

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#started = options.from !== null;
    this.chain = new Chain(options.from ?? undefined);
  }

  /** The next segment. @returns a problem with its name. */
  startSegment(name: string): WalkProblem | null {
    const before = this.#file;
    this.#file = name;
    this.#line = 0;
    this.offset = 0;
    this.#rest = Buffer.alloc(0);
    if (!isSegmentName(name)) return this.#problem('parse', 'not the name of a segment');
    return name > before ? null : this.#problem('chain', `a segment before ${before}`);
  }

  /** The next bytes of the segment. */
  push(chunk: Uint8Array): WalkProblem | null {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = this.#rest.length === 0 ? view : Buffer.concat([this.#rest, view]);
    const end = bytes.lastIndexOf(LF) + 1;
    // Checked for all lines at once; only where that fails, line by line.
    const utf8 = isUtf8(bytes.subarray(0, end));
    for (let at = 0; at < end;) {
      const next = bytes.indexOf(LF, at);
      this.#line += 1;
      const bad = this.#record(bytes, at, next, utf8);
      if (bad !== null) return bad;
      this.offset += next + 1 - at;
      at = next + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(end));
    return this.#rest.length < MAX_LINE_BYTES ? null : this.#problem('parse', 'a line longer than any record', 1);
  }

  /** The segment's end: nothing may be left over (AUDIT-4). */
  endSegment(): WalkProblem | null {
    return this.#rest.length === 0 ? null : this.#problem('parse', 'the last line does not end in LF', 1);
  }

  #problem(kind: WalkProblem['kind'], problem: string, ahead = 0): WalkProblem {
    return { kind, file: this.#file, line: this.#line + ahead, problem };
  }

  #record(bytes: Buffer, start: number, end: number, utf8: boolean): WalkProblem | null {
    if (end - start >= MAX_LINE_BYTES) return this.#problem('parse', 'a line longer than any record');
    if (!utf8 && !isUtf8(bytes.subarray(start, end))) return this.#problem('parse', 'invalid UTF-8');
    const malformed = this.#scanner.problem(bytes, start, end);
    if (malformed !== null) return this.#problem('parse', malformed);
    const front = FRONT.exec(bytes.toString('latin1', start, Math.min(end, start + FRONT_CHARS)));
    const back = bytes.toString('latin1', Math.max(start, end - BACK_CHARS), end);
    // Almost every line has the hash that is expected, which needs no second look at its form.
    const isNext = back === `${BACK_PREFIX}${this.chain.hash}"}`;
    if (front === null || (!isNext && !BACK.test(back)))
      return this.#problem('parse', 'not a record: seq, ts and event, or prev, out of place');
    // A first record of seq 1 starts the log; any other says itself what stood before it.
    if (!this.#started && front[1] !== '1')
      this.chain = new Chain({ size: Number(front[1]) - 1, hash: back.slice(BACK_PREFIX.length, -2) });
    return this.#first() ?? this.#link(bytes.subarray(start, end), front, back === `${BACK_PREFIX}${this.chain.hash}"}`);
  }

  #first(): WalkProblem | null {
    this.#started = true;
    if (this.#hasRecords) return null;
    this.#hasRecords = true;
    const bad = this.#options.onStart?.(this.chain.head()) ?? null;
    return bad === null ? null : this.#problem('chain', bad);
  }

  #link(line: Buffer, [, seq = '', day = '', event = '']: RegExpExecArray, isNext: boolean): WalkProblem | null {
    if (this.#options.checkChain !== false) {
      const expected = this.chain.size + 1;
      if (Number(seq) !== expected) return this.#problem('chain', `seq is ${seq}, not ${expected}`);
      if (!isNext) return this.#problem('chain', 'prev is not the hash of what stands before');
      if (day > dayOf(this.#file)) return this.#problem('chain', 'a record of a later day than its segment');
    }
    const digest = lineDigestLatin1(line);
    this.chain.extend(digest);
    const bad = this.#options.onRecord?.(event, line, this.chain, digest) ?? null;
    return bad === null ? null : this.#problem('chain', bad);
  }
}
