/**
 * Strict JSON for frames: one meaning per text, or a refusal that names what was found.
 *
 * WIRE-3  invalid UTF-8 is refused, never replaced.
 * WIRE-4  two keys of one object that are equal after their escapes are refused.
 * WIRE-5  more than 32 levels are refused.
 * WIRE-6  a lone surrogate is refused, escaped or not.
 * WIRE-7  the key `__proto__` and numbers beyond a double are refused.
 *
 * Three paths: a text without escapes and blanks has as many keys as its value has members, or one stands twice, so
 * counting decides it; what JSON.stringify would have written back byte for byte holds no duplicate, so native code
 * decides it; anything else is scanned token by token.
 */
import { isUtf8 } from 'node:buffer';
import { FrameError } from './frame-error.js';
import { LIMITS } from './limits.js';

/** A key that assignments of careless code turn into a prototype. */
const PROTOTYPE_KEY = '__proto__';

const refuse = (found: string): FrameError => new FrameError('FRAME_INVALID', `the frame holds ${found}`, false, { found });

const unparsable = (found: string): FrameError =>
  new FrameError('FRAME_INVALID', `the frame is not JSON: ${found}`, true, { found });

/** Our own words for V8's complaint, which quotes the input and with it perhaps a secret. */
const describeSyntaxError = (thrown: unknown): string => {
  const text = thrown instanceof Error ? thrown.message : '';
  const position = /at position (\d+)/.exec(text)?.[1];
  const where = position === undefined ? '' : ` at character ${position}`;
  if (text.includes('after JSON')) return `text after the value${where}`;
  if (text.includes('end of JSON') || text.includes('Unterminated')) return `the text ends too early${where}`;
  if (text.includes('control character')) return `a control character in a string${where}`;
  return `a syntax error${where}`;
};

const TOO_DEEP = -1;

const sumOf = (values: readonly unknown[], levelsLeft: number): number => {
  let sum = 0;
  for (const value of values) {
    const members = membersOf(value, levelsLeft);
    if (members === TOO_DEEP) return TOO_DEEP;
    sum += members;
  }
  return sum;
};

/**
 * How many members all objects of the value have, by walking the parsed value: JSON.parse is iterative and takes a depth
 * of millions. Infinity where a number is beyond a double, which no count of keys equals.
 */
const membersOf = (value: unknown, levelsLeft: number): number => {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : Infinity;
  if (typeof value !== 'object' || value === null) return 0;
  if (levelsLeft === 0) return TOO_DEEP;
  if (Array.isArray(value)) return sumOf(value, levelsLeft - 1);
  const members = value as Record<string, unknown>;
  let sum = 0;
  for (const key in members) {
    const below = membersOf(members[key], levelsLeft - 1);
    if (below === TOO_DEEP) return TOO_DEEP;
    sum += 1 + below;
  }
  return sum;
};

/** What may stand between a key and its colon, or hide a quote. A blank within a text has no quote right before it, mostly. */
const UNEVEN = ['\\', '" ', '\n', '\t', '\r'];

/**
 * True where the text has exactly so many keys. Without escapes a quote and a colon stand behind every key, and else only
 * where a text begins with a colon; so a key that stands twice makes more of them than there are members, and nothing less.
 */
const hasKeys = (text: string, members: number): boolean => {
  if (UNEVEN.some((one) => text.includes(one))) return false;
  let keys = 0;
  for (let at = text.indexOf('":'); at !== -1 && keys <= members; at = text.indexOf('":', at + 2)) keys += 1;
  return keys === members;
};

/** Index behind the closing quote of the string that opens at `start`; the text is known to be valid JSON. */
const endOfString = (text: string, start: number): number => {
  let quote = text.indexOf('"', start + 1);
  for (;;) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
};

/** The string of a token with its quotes. @throws FrameError for a lone surrogate. */
const decodeString = (token: string): string => {
  if (!token.includes('\\')) return token.slice(1, -1);
  const decoded = JSON.parse(token) as string;
  if (!decoded.isWellFormed()) throw refuse('a lone surrogate');
  return decoded;
};

const quoteKey = (key: string): string => JSON.stringify(key.slice(0, LIMITS.maxQuotedChars).toWellFormed());

const noteKey = (keys: Set<string>, key: string): void => {
  if (key === PROTOTYPE_KEY) throw refuse(`the key "${PROTOTYPE_KEY}"`);
  if (keys.has(key)) throw refuse(`the key ${quoteKey(key)} twice in one object`);
  keys.add(key);
};

const NUMBER = /-?[0-9][0-9.eE+-]*/y;

/** Index behind the number at `start`. @throws FrameError where it is beyond a double. */
const endOfNumber = (text: string, start: number): number => {
  NUMBER.lastIndex = start;
  const token = NUMBER.exec(text)?.[0] ?? text.charAt(start);
  if (!Number.isFinite(Number(token))) throw refuse('a number beyond the range of a double');
  return start + token.length;
};

const isNumberStart = (unit: number): boolean => unit === 0x2d || (unit >= 0x30 && unit <= 0x39);

/** Checks every token of a text that JSON.parse took: keys, surrogates, numbers. */
const scanTokens = (text: string): void => {
  /** One entry for each open bracket: the keys seen of an object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      const end = endOfString(text, at);
      const string = decodeString(text.slice(at, end));
      const keys = open.at(-1);
      if (expectsKey && keys) noteKey(keys, string);
      expectsKey = false;
      at = end;
      continue;
    }
    if (isNumberStart(unit)) {
      at = endOfNumber(text, at);
      continue;
    }
    if (unit === 0x7b) open.push(new Set());
    else if (unit === 0x5b) open.push(null);
    else if (unit === 0x7d || unit === 0x5d) open.pop();
    if (unit === 0x7b || unit === 0x2c) expectsKey = open.at(-1) !== null;
    else if (unit === 0x5b) expectsKey = false;
    at += 1;
  }
};

const parseText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw unparsable(describeSyntaxError(thrown));
  }
};

/**
 * The value of one frame.
 * @throws FrameError FRAME_INVALID naming what was found; `fatal` where the bytes are no JSON at all.
 */
export const parseJsonStrict = (bytes: Uint8Array): unknown => {
  if (!isUtf8(bytes)) throw unparsable('invalid UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const value = parseText(text);
  const members = membersOf(value, LIMITS.maxJsonDepth);
  if (members === TOO_DEEP) throw refuse(`more than ${LIMITS.maxJsonDepth} levels`);
  const suspicious = text.includes('\\ud') || text.includes(PROTOTYPE_KEY);
  if (suspicious || !(hasKeys(text, members) || JSON.stringify(value) === text)) scanTokens(text);
  return value;
};
