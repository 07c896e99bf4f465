/**
 * One look at a text, from which every finder of secrets knows whether and where it has to look closer: most texts hold
 * nothing at which any of them could begin. What it leaves out no finder would have found.
 */
import { ALPHABETS, isIn, startsOf } from './found.js';

/** What a character may be; a text has seen the sum of its characters. */
export const SEEN = {
  digit: 1,
  capital: 2,
  lower: 4,
  run: 8,
  sign: 16,
  comma: 32,
  quote: 64,
  escape: 128,
  odd: 256,
  at: 512,
} as const;
const { digit: DIGIT, capital: CAPITAL, lower: LOWER, run: RUN, sign: SIGN, comma: COMMA, quote: QUOTE } = SEEN;
const { escape: ESCAPE, odd: ODD, at: AT } = SEEN;
const ALNUM = DIGIT | CAPITAL | LOWER;

const kindOf = (char: string): number => {
  if (/[0-9]/.test(char)) return DIGIT | RUN;
  if (/[A-Z]/.test(char)) return CAPITAL | RUN;
  if (/[a-z]/.test(char)) return LOWER | RUN;
  if (/[\t\n -~]/.test(char)) return SIGNS[char] ?? 0;
  return ODD;
};
const SIGNS: Readonly<Record<string, number>> = {
  ...{ _: RUN, '-': RUN, '.': RUN, '+': RUN, '/': RUN, '~': RUN, '=': RUN | SIGN, ':': SIGN, '>': SIGN, ',': COMMA },
  ...{ '"': QUOTE, "'": QUOTE, '`': QUOTE, '%': ESCAPE, '\\': ESCAPE, '@': AT },
};
const ASCII = 128;
const KINDS = Uint16Array.from({ length: ASCII }, (_, code) => kindOf(String.fromCharCode(code)));

/** No token is without so many characters in one run. */
export const MIN_RUN = 16;
/** So far before such a run a token may begin: `access_token$production$`, `1234567890:`, `00Dxxx!`. */
const MAX_BEFORE_RUN = 48;
const mayBeginBefore = (text: string, from: number): boolean => {
  const sign = text[from - 1];
  return sign === '$' || sign === '!' || (sign === ':' && isIn(text, from - 2, ALPHABETS.digits));
};

export interface Look {
  readonly text: string;
  /** `SEEN` of every character. */
  readonly seen: number;
  /** Beginning and end, in turn, of each run in which a token may stand. */
  readonly runs: readonly number[];
  /** Where words begin that are a number or a code, or have a digit for their third character. */
  readonly words: readonly number[];
  /** Where a value may follow: `=`, `:`, `>`, and the comma behind a quote. */
  readonly signs: readonly number[];
}

const NONE: readonly number[] = [];

/** Linear, and without anything set aside for a text in which there is nothing. */
export const lookAt = (text: string): Look => {
  const { length } = text;
  let [seen, last, from, word] = [0, 0, 0, -1];
  let [runs, words, signs]: (number[] | null)[] = [null, null, null];
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    const kind = code < ASCII ? (KINDS[code] ?? 0) : ODD;
    seen |= kind;
    if ((kind & RUN) === 0) {
      if (at - from >= MIN_RUN) (runs ??= []).push(from, at);
      from = at + 1;
    }
    if ((kind & ALNUM) !== 0) {
      if ((last & ALNUM) === 0) {
        word = at;
        if ((kind & LOWER) === 0) (words ??= []).push(at);
      } else if (at - word === 2 && (kind & DIGIT) !== 0 && words?.at(-1) !== word) (words ??= []).push(word);
    } else if ((kind & SIGN) !== 0 || ((kind & COMMA) !== 0 && (last & QUOTE) !== 0)) (signs ??= []).push(at);
    last = kind;
  }
  if (length - from >= MIN_RUN) (runs ??= []).push(from, length);
  // Behind an escape a word begins within a word.
  return {
    text,
    seen,
    runs: runs ?? NONE,
    words: (seen & ESCAPE) === 0 ? (words ?? NONE) : startsOf(text),
    signs: signs ?? NONE,
  };
};

/** Where a token may begin: in a long run, or shortly before. */
export const tokenStarts = ({ text, runs }: Look): readonly number[] => {
  if (runs.length === 0) return NONE;
  const starts: number[] = [];
  let done = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const [from = 0, to = 0] = [runs[i], runs[i + 1]];
    const begin = mayBeginBefore(text, from) ? Math.max(done, from - MAX_BEFORE_RUN) : from;
    for (const at of startsOf(text, begin, to)) starts.push(at);
    done = to;
  }
  return starts;
};
