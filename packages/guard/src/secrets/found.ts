/** What every finder of secrets gives back, and the character classes they share. */

/** Kinds of what is masked; a policy names them. */
export type SecretKind = 'key' | 'token' | 'jwt' | 'otpauth' | 'pem' | 'password' | 'card' | 'iban' | 'ssn' | 'email' | 'phone';
/** Kinds of what a mail withholds. */
export type CodeKind = 'code' | 'link';

/** UTF-16 units `from` to `to` (not included), and what stands there afterwards. */
export interface Found {
  readonly from: number;
  readonly to: number;
  readonly kind: SecretKind | CodeKind;
  readonly mark: string;
}

const DIGIT = 1;
const UPPER = 2;
const LOWER = 4;
const UNDERSCORE = 8;
const DASH = 16;
const DOT = 32;
const BASE64 = 64;
const HEX = 128;

const classOf = (char: string): number => {
  if (/[0-9]/.test(char)) return DIGIT | HEX;
  if (/[A-Z]/.test(char)) return UPPER | (char <= 'F' ? HEX : 0);
  if (/[a-z]/.test(char)) return LOWER | (char <= 'f' ? HEX : 0);
  return { _: UNDERSCORE, '-': DASH, '.': DOT, '+': BASE64, '/': BASE64, '=': BASE64 }[char] ?? 0;
};

const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => classOf(String.fromCharCode(code)));

/** Sets of characters a token is made of. */
export const ALPHABETS = {
  digits: DIGIT,
  hex: HEX,
  upper: DIGIT | UPPER,
  alnum: DIGIT | UPPER | LOWER,
  word: DIGIT | UPPER | LOWER | UNDERSCORE,
  url: DIGIT | UPPER | LOWER | UNDERSCORE | DASH,
  dotted: DIGIT | UPPER | LOWER | UNDERSCORE | DASH | DOT,
  base64: DIGIT | UPPER | LOWER | UNDERSCORE | DASH | DOT | BASE64,
} as const;

export type Alphabet = keyof typeof ALPHABETS;
/** One of `ALPHABETS`. */
export type Classes = (typeof ALPHABETS)[Alphabet];

/** False beyond the end. */
export const isIn = (text: string, at: number, alphabet: Classes): boolean =>
  ((CLASSES[text.charCodeAt(at)] ?? 0) & alphabet) !== 0;

/** The first index from `at` on, at most `most` further, that is not of the alphabet. */
export const endOfRun = (text: string, at: number, alphabet: Classes, most = Infinity): number => {
  const last = Math.min(text.length, at + most);
  let end = at;
  while (end < last && ((CLASSES[text.charCodeAt(end)] ?? 0) & alphabet) !== 0) end += 1;
  return end;
};

/** True where a word may begin: behind no letter or digit, but for the end of `%3D` and of `\n` in a quoted text. */
export const isStart = (text: string, at: number): boolean => {
  if (!isIn(text, at - 1, ALPHABETS.alnum)) return true;
  if (text[at - 3] === '%' && isIn(text, at - 1, ALPHABETS.hex) && isIn(text, at - 2, ALPHABETS.hex)) return true;
  return text[at - 2] === '\\' && 'nrt'.includes(text.charAt(at - 1));
};

/** Every index from `from` to `to` at which a word may begin, in order: found once for all who look for something there. */
export const startsOf = (text: string, from = 0, to = text.length): number[] => {
  const starts: number[] = [];
  let isInside = isIn(text, from - 1, ALPHABETS.alnum);
  for (let at = from; at < to; at += 1) {
    const isWord = ((CLASSES[text.charCodeAt(at)] ?? 0) & ALPHABETS.alnum) !== 0;
    // `isStart` is asked inside of a word only behind what may be an escape.
    if (isWord && (!isInside || isBehindEscape(text, at))) starts.push(at);
    isInside = isWord;
  }
  return starts;
};

const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const isBehindEscape = (text: string, at: number): boolean =>
  (text.charCodeAt(at - 3) === PERCENT || text.charCodeAt(at - 2) === BACKSLASH) && isStart(text, at);

/** How many different characters; at most `enough` are counted. */
export const distinctChars = (text: string, enough = 64): number => {
  const seen = new Set<string>();
  for (const char of text) {
    seen.add(char);
    if (seen.size >= enough) break;
  }
  return seen.size;
};

/** Bits a character of the text's own distribution holds (Shannon). */
export const entropyOf = (text: string): number => {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
};

/** `[masked sk-…wxyz]`: which secret it was, for a human who has it. Short ones show nothing of themselves. */
export const markOf = (kind: string, prefix: string, secret: string): string =>
  secret.length >= 16 ? `[masked ${prefix === '' ? `${kind} ` : prefix}…${secret.slice(-4)}]` : `[masked ${kind}]`;

/** The first of what overlaps stays, the longer of what begins alike. */
export const withoutOverlaps = (found: readonly Found[]): readonly Found[] => {
  if (found.length < 2) return found;
  const sorted = found.toSorted((a, b) => a.from - b.from || b.to - a.to);
  let end = 0;
  return sorted.filter(({ from, to }) => {
    if (from < end) return false;
    end = to;
    return true;
  });
};

/** The text with each find replaced by its mark. They do not overlap and are in order. */
export const replaceFound = (text: string, found: readonly Found[]): string => {
  let replaced = '';
  let kept = 0;
  for (const { from, to, mark } of found) {
    replaced += text.slice(kept, from) + mark;
    kept = to;
  }
  return replaced + text.slice(kept);
};
