/**
 * Reads one line as strict JSON without building it: the fast half of verification.
 *
 * AUDIT-5 A line is one JSON object, without white space, at most MAX_DEPTH deep, without lone surrogates.
 * AUDIT-6 No object, however deep, has a member twice; names are compared after their escapes are resolved.
 */
import { MAX_DEPTH, MAX_LINE_BYTES } from './limits.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Names compared pairwise up to here; beyond it a Set, so that a hostile line costs no quadratic time. */
const PAIRWISE_NAMES = 24;
/** The shortest member is `"":1,`, so a line never has as many. */
const MAX_NAMES = MAX_LINE_BYTES / 4;
/** RFC 8259 §6. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/u;

export class LineScanner {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  /** Whether any string of the line has an escape, so that names may have to be resolved. */
  #escaped = false;
  /** Start and end of the names of every object that is open, innermost last. */
  readonly #names = new Int32Array(2 * MAX_NAMES);
  /** Slots of #names in use. */
  #used = 0;

  /** @returns what is wrong with the line in `bytes[start, end)` (no LF, valid UTF-8), or null. */
  problem(bytes: Buffer, start: number, end: number): string | null {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#used = 0;
    this.#escaped = false;
    if (end - start > MAX_LINE_BYTES) return 'a line longer than any record';
    if (start === end || bytes[start] !== OPEN_OBJECT) return 'not a JSON object';
    return this.#object(1) ?? (this.#at === end ? null : 'something follows the object');
  }

  #byte(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] as number) : -1;
  }

  /** Slots below #used are set. */
  #slot(index: number): number {
    return this.#names[index] as number;
  }

  #value(depth: number): string | null {
    const byte = this.#byte();
    if (byte === QUOTE) return this.#string();
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return this.#number();
    if (byte === OPEN_OBJECT) return depth >= MAX_DEPTH ? 'nested too deep' : this.#object(depth + 1);
    if (byte === OPEN_ARRAY) return depth >= MAX_DEPTH ? 'nested too deep' : this.#array(depth + 1);
    return this.#word('true') || this.#word('false') || this.#word('null') ? null : 'not JSON';
  }

  #object(depth: number): string | null {
    this.#at += 1;
    const first = this.#used;
    if (this.#byte() === CLOSE_OBJECT) return this.#step();
    for (;;) {
      const start = this.#at;
      const bad = this.#byte() === QUOTE ? this.#string() : 'a member without a name';
      if (bad !== null) return bad;
      this.#names[this.#used] = start;
      this.#names[this.#used + 1] = this.#at;
      this.#used += 2;
      if (this.#byte() !== COLON) return 'a member without a value';
      this.#at += 1;
      const worse = this.#value(depth);
      if (worse !== null) return worse;
      const next = this.#byte();
      if (next === CLOSE_OBJECT) break;
      if (next !== COMMA) return 'not JSON';
      this.#at += 1;
    }
    const twice = this.#duplicate(first);
    this.#used = first;
    return twice ?? this.#step();
  }

  #array(depth: number): string | null {
    this.#at += 1;
    if (this.#byte() === CLOSE_ARRAY) return this.#step();
    for (;;) {
      const bad = this.#value(depth);
      if (bad !== null) return bad;
      const next = this.#byte();
      if (next === CLOSE_ARRAY) return this.#step();
      if (next !== COMMA) return 'not JSON';
      this.#at += 1;
    }
  }

  #step(): null {
    this.#at += 1;
    return null;
  }

  #string(): string | null {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = this.#end;
    for (let at = start + 1; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return null;
      }
      if (byte === BACKSLASH) return this.#escapedString(start, at);
      if (byte < 0x20) return 'a control character in a string';
    }
    return 'a string without an end';
  }

  /** A string with escapes: its end is found here, its escapes are judged by the parser. */
  #escapedString(start: number, from: number): string | null {
    this.#escaped = true;
    let at = from;
    while (at < this.#end && this.#bytes[at] !== QUOTE) at += this.#bytes[at] === BACKSLASH ? 2 : 1;
    if (at >= this.#end) return 'a string without an end';
    this.#at = at + 1;
    try {
      return (JSON.parse(this.#bytes.toString('utf8', start, at + 1)) as string).isWellFormed() ? null : 'a lone surrogate';
    } catch {
      return 'a malformed string';
    }
  }

  #number(): string | null {
    const start = this.#at;
    let plain = true;
    for (; this.#at < this.#end; this.#at += 1) {
      const byte = this.#bytes[this.#at] as number;
      if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) break;
      plain &&= byte >= ZERO && byte <= NINE;
    }
    if (plain && (this.#bytes[start] !== ZERO || this.#at === start + 1)) return null;
    return NUMBER.test(this.#bytes.toString('latin1', start, this.#at)) ? null : 'a malformed number';
  }

  #word(word: string): boolean {
    if (this.#end - this.#at < word.length) return false;
    for (let i = 0; i < word.length; i += 1) if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return false;
    this.#at += word.length;
    return true;
  }

  #duplicate(first: number): string | null {
    const used = this.#used;
    if (used - first > 2 * PAIRWISE_NAMES || (this.#escaped && this.#hasEscape(first))) return this.#duplicateDecoded(first);
    for (let a = first + 2; a < used; a += 2) {
      const start = this.#slot(a);
      const end = this.#slot(a + 1);
      for (let b = first; b < a; b += 2) {
        const other = this.#slot(b);
        if (end - start === this.#slot(b + 1) - other && this.#same(start, other, end - start)) return this.#twice(start, end);
      }
    }
    return null;
  }

  #same(a: number, b: number, length: number): boolean {
    const bytes = this.#bytes;
    for (let i = 1; i < length; i += 1) if (bytes[a + i] !== bytes[b + i]) return false;
    return true;
  }

  #hasEscape(first: number): boolean {
    for (let i = first; i < this.#used; i += 2)
      for (let at = this.#slot(i); at < this.#slot(i + 1); at += 1) if (this.#bytes[at] === BACKSLASH) return true;
    return false;
  }

  #duplicateDecoded(first: number): string | null {
    const seen = new Set<string>();
    for (let i = first; i < this.#used; i += 2) {
      const start = this.#slot(i);
      const end = this.#slot(i + 1);
      const name = JSON.parse(this.#bytes.toString('utf8', start, end)) as string;
      if (seen.has(name)) return this.#twice(start, end);
      seen.add(name);
    }
    return null;
  }

  #twice(start: number, end: number): string {
    return `the member ${this.#bytes.toString('utf8', start, Math.min(end, start + 66))} stands twice`;
  }
}
