/**
 * Fits a result into a number of bytes, characters or tokens by cutting its longest strings.
 *
 * GUARD-14  a cut is made at the end of a word or character and says so in the text itself.
 */
import type { Json } from '@airlock/protocol';
import { CUT_LIMITS } from './limits.js';

export interface Cut {
  readonly value: Json;
  readonly truncated: boolean;
}

const CUT_MARK = '…[cut]';

/** Sizes a result is held to; the JSON text is what counts. */
export interface Size {
  readonly maxBytes?: number;
  readonly maxChars?: number;
  /** By `estimateTokens`: no model's own count. */
  readonly maxTokens?: number;
}

/**
 * Tokens a text takes, on the safe side for usual models: one for four letters of a word, one for each three digits, each
 * sign, and each character beyond ASCII.
 */
export const estimateTokens = (text: string): number => {
  let tokens = 0;
  let run = 0;
  let isDigit = false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const digit = code >= 48 && code <= 57;
    if (digit || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) {
      if (digit !== isDigit) run = 0;
      isDigit = digit;
      if (run % (digit ? 3 : 4) === 0) tokens += 1;
      run += 1;
    } else {
      run = 0;
      // The blank before a word belongs to it.
      if (code !== 32) tokens += 1;
    }
  }
  return tokens;
};

const fits = (value: Json, { maxBytes = Infinity, maxChars = Infinity, maxTokens = Infinity }: Size): boolean => {
  const text = JSON.stringify(value);
  return (
    text.length <= maxChars &&
    Buffer.byteLength(text) <= maxBytes &&
    (maxTokens === Infinity || estimateTokens(text) <= maxTokens)
  );
};

const CONTINUES = /^[\p{M}\u200c\u200d\ufe0f\p{Emoji_Modifier}]/u;

/** The end of a word at or shortly before `at`; else the end of a character with its marks. */
const boundaryBefore = (text: string, at: number): number => {
  const least = Math.max(0, at - CUT_LIMITS.maxBackChars);
  if (!/\s/.test(text.charAt(at))) for (let end = at; end > least; end -= 1) if (/\s/.test(text.charAt(end - 1))) return end - 1;
  let end = at;
  while (end > least && (isLow(text, end) || CONTINUES.test(text.slice(end, end + 2)) || text[end - 1] === '\u200d')) end -= 1;
  return end === least ? at - (isLow(text, at) ? 1 : 0) : end;
};

/** The second half of a code point. */
const isLow = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
};

/** The first `chars` UTF-16 units at most, up to the end of a word or character. */
const cutText = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, boundaryBefore(text, chars))}${CUT_MARK}`;

const cutStrings = (value: Json, chars: number): Json => {
  if (typeof value === 'string') return cutText(value, chars);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => cutStrings(item, chars));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cutStrings(member, chars)]));
};

const longestString = (value: Json): number => {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value as Readonly<Record<string, Json>>).reduce<number>(
    (longest, member) => Math.max(longest, longestString(member)),
    0,
  );
};

/** Drops items from the end of the longest arrays: what is left to do where many short strings are too much. */
const cutArrays = (value: Json, items: number): Json => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.slice(0, items).map((item: Json) => cutArrays(item, items));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cutArrays(member, items)]));
};

const longestArray = (value: Json): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? value.length : 0;
  return Object.values(value as Readonly<Record<string, Json>>).reduce<number>(
    (longest, member) => Math.max(longest, longestArray(member)),
    own,
  );
};

/** The largest size from `low` on that fits, found by halving; null where not even `low` does. */
const largestFit = (low: number, high: number, cutAt: (size: number) => Json, limit: Size): Json | null => {
  let fitting: Json | null = null;
  let least = low;
  let most = high;
  while (least <= most) {
    const size = Math.floor((least + most) / 2);
    const candidate = cutAt(size);
    if (fits(candidate, limit)) {
      fitting = candidate;
      least = size + 1;
    } else most = size - 1;
  }
  return fitting;
};

/**
 * The value, whose JSON takes at most `size` (a number: bytes). The longest strings are cut first, with a mark; then arrays
 * lose items from their end. Where neither helps the result is null.
 */
export const cutResult = (value: Json, size: number | Size): Cut => {
  const limit = typeof size === 'number' ? { maxBytes: size } : size;
  if (fits(value, limit)) return { value, truncated: false };
  const { minKeptChars } = CUT_LIMITS;
  const byStrings = largestFit(minKeptChars, longestString(value), (chars) => cutStrings(value, chars), limit);
  if (byStrings !== null) return { value: byStrings, truncated: true };
  const short = cutStrings(value, minKeptChars);
  return { value: largestFit(0, longestArray(short), (items) => cutArrays(short, items), limit), truncated: true };
};
