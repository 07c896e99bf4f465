/**
 * Makes characters visible that a reader does not see but a machine does: hidden instructions, reversed text,
 * terminal escapes. Unicode 16 (bidirectional controls: UAX #9; tags: chapter 23.9; variation selectors: 23.4).
 *
 * GUARD-12  no control, bidirectional, zero-width, filler, tag or stacked variation character stays as it is.
 */
import type { Json } from '@airlock/protocol';

/**
 * C0 without tab and line feed, DEL and C1; soft hyphen, grapheme joiner, letter mark, fillers; zero-width space, joiners
 * and marks; line and paragraph separators, embeddings and overrides; word joiner, invisible operators, isolates,
 * deprecated controls; byte order mark; interlinear marks; tags and supplementary variation selectors.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}\u{1d173}-\u{1d17a}]|[\ufe00-\ufe0f]{2,}/gu;

const HIDDEN_ONCE = new RegExp(HIDDEN.source, 'u');

/** Emoji are joined by U+200D; in Arabic, Indic and Mongolian writing joiners are spelling (UAX #31 §2.3). */
const JOINABLE =
  /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Kannada}\p{Script=Tamil}\p{Script=Telugu}]/u;

const isJoining = (hidden: string, text: string, at: number): boolean => {
  if (hidden !== '\u200d' && hidden !== '\u200c') return false;
  const [next = ''] = Array.from(text.slice(at + 1, at + 3));
  return JOINABLE.test(text.slice(Math.max(0, at - 2), at)) && JOINABLE.test(next);
};

const visible = (hidden: string): string =>
  Array.from(hidden, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`).join('');

/** True where the text holds a character that is hidden or may be: nearly never, and quickly said. */
export const hasHidden = (text: string): boolean => HIDDEN_ONCE.test(text);

/** The text with each hidden character written as `\u{XXXX}`; CR LF becomes LF. */
export const neutraliseText = (text: string): string =>
  hasHidden(text)
    ? text
        .replaceAll('\r\n', '\n')
        .replace(HIDDEN, (hidden, at: number, whole: string) => (isJoining(hidden, whole, at) ? hidden : visible(hidden)))
    : text;

/** The text without its hidden characters, and where each unit of it stood; null where there are none. */
export const withoutHidden = (text: string): { readonly text: string; readonly at: readonly number[] } | null => {
  if (!hasHidden(text)) return null;
  const at: number[] = [];
  let kept = '';
  let from = 0;
  const keep = (to: number): void => {
    kept += text.slice(from, to);
    for (let i = from; i < to; i += 1) at.push(i);
  };
  for (const { 0: hidden, index } of text.matchAll(HIDDEN)) {
    keep(index);
    from = index + hidden.length;
  }
  keep(text.length);
  return { text: kept, at };
};

/** True where any string or key of the value holds a hidden character. */
const isHiding = (value: Json): boolean => {
  if (typeof value === 'string') return hasHidden(value);
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value)
    ? value.some(isHiding)
    : Object.entries(value).some(([key, member]) => hasHidden(key) || isHiding(member));
};

/** Every string and every key of the value, and the value itself where there is nothing to do; two keys that become alike stay two. */
export const neutraliseValue = (value: Json): Json => (isHiding(value) ? neutraliseAll(value) : value);

const neutraliseAll = (value: Json): Json => {
  if (typeof value === 'string') return neutraliseText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(neutraliseAll);
  const taken = new Set<string>();
  // Not by assignment: a key may be called __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [keyApart(neutraliseText(key), taken), neutraliseAll(member)]),
  );
};

/** The key, with a number where it is taken. */
export const keyApart = (key: string, taken: Set<string>): string => {
  let name = key;
  for (let n = 2; taken.has(name); n += 1) name = `${key} (${n})`;
  taken.add(name);
  return name;
};
