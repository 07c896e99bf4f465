/** Fits a result into a number of bytes by cutting its longest strings, and says so in the text itself. */
import type { Json } from '@airlock/protocol';
import { CUT_LIMITS } from './limits.js';

export interface Cut {
  readonly value: Json;
  readonly truncated: boolean;
}

const CUT_MARK = '…[cut]';

const bytesOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

/** The first `chars` UTF-16 units, never half a code point. */
const cutText = (text: string, chars: number): string => {
  if (text.length <= chars) return text;
  const last = text.charCodeAt(chars - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? chars - 1 : chars;
  return `${text.slice(0, end)}${CUT_MARK}`;
};

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
const largestFit = (low: number, high: number, cutAt: (size: number) => Json, maxBytes: number): Json | null => {
  let fitting: Json | null = null;
  let least = low;
  let most = high;
  while (least <= most) {
    const size = Math.floor((least + most) / 2);
    const candidate = cutAt(size);
    if (bytesOf(candidate) <= maxBytes) {
      fitting = candidate;
      least = size + 1;
    } else most = size - 1;
  }
  return fitting;
};

/**
 * The value, whose JSON takes at most `maxBytes`. The longest strings are cut first, at a code point, with a mark;
 * then arrays lose items from their end. Where neither helps the result is null.
 */
export const cutResult = (value: Json, maxBytes: number): Cut => {
  if (bytesOf(value) <= maxBytes) return { value, truncated: false };
  const { minKeptChars } = CUT_LIMITS;
  const byStrings = largestFit(minKeptChars, longestString(value), (chars) => cutStrings(value, chars), maxBytes);
  if (byStrings !== null) return { value: byStrings, truncated: true };
  const short = cutStrings(value, minKeptChars);
  return { value: largestFit(0, longestArray(short), (items) => cutArrays(short, items), maxBytes), truncated: true };
};
