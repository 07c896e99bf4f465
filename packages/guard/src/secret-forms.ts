/**
 * Finds one secret in the forms in which software writes it down.
 *
 * GUARD-5  found are: the value itself, each of its characters perhaps percent-encoded, escaped as in JSON or
 *          JavaScript, or as an HTML reference; hexadecimal in either case, perhaps with separators; base64 and
 *          base64url at each of the three alignments, perhaps with line breaks.
 *
 * Matched by hand, not by one regular expression: of a 64-character secret that takes V8 160 ms to compile.
 */
import { MASK_LIMITS } from './limits.js';
import { replaceFound } from './secrets/found.js';

/** One form. A match begins at a character that is in `starts`. */
export interface Form {
  readonly starts: Starts;
  /** No text below this many characters can hold it. */
  readonly minChars: number;
  /** Ends of the match that begins at `at`; `from` may lie before it. null: none. */
  match(text: string, at: number): { readonly from: number; readonly to: number } | null;
}

/** 1 at each UTF-16 unit below 128 with which a match may begin; every other unit may, where the last entry is 1. */
type Starts = Uint8Array;
const BEYOND_ASCII = 128;

const startsOf = (chars: string): Starts => {
  const starts = new Uint8Array(BEYOND_ASCII + 1);
  for (let i = 0; i < chars.length; i += 1) starts[Math.min(chars.charCodeAt(i), BEYOND_ASCII)] = 1;
  return starts;
};

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const HTML_NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const HTML_NUMBER = /&#(?:([0-9]{1,8})|[xX]([0-9a-fA-F]{1,8}));/y;

/** A character with what is known of its other spellings; lower case where case does not matter. */
interface Spelled {
  readonly char: string;
  readonly percent: string;
  readonly unicode: string;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

const spell = (char: string): Spelled => ({
  char,
  percent: Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  unicode: Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  json: JSON_ESCAPES[char],
  html: HTML_NAMES[char],
});

const startsWithAnyCase = (text: string, at: number, lower: string): boolean =>
  text.slice(at, at + lower.length).toLowerCase() === lower;

const htmlNumberLength = (text: string, at: number, char: string): number => {
  HTML_NUMBER.lastIndex = at;
  const [whole, decimal, hex] = HTML_NUMBER.exec(text) ?? [];
  if (whole === undefined) return 0;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code === char.codePointAt(0) ? whole.length : 0;
};

/** Characters the spelling at `at` takes; 0 where the character does not stand there in any form. */
const spelledLength = (text: string, at: number, { char, percent, unicode, json, html }: Spelled): number => {
  const first = text[at];
  // Nearly every character of nearly every text.
  if (first !== '%' && first !== '\\' && first !== '&' && first !== '+') return text.startsWith(char, at) ? char.length : 0;
  if (first === '%' && startsWithAnyCase(text, at, percent)) return percent.length;
  if (first === '\\' && startsWithAnyCase(text, at, unicode)) return unicode.length;
  if (first === '\\' && json !== undefined && text.startsWith(json, at)) return json.length;
  if (first === '&' && html !== undefined && text.startsWith(html, at)) return html.length;
  const number = first === '&' ? htmlNumberLength(text, at, char) : 0;
  if (number > 0) return number;
  if (text.startsWith(char, at)) return char.length;
  // application/x-www-form-urlencoded.
  return first === '+' && char === ' ' ? 1 : 0;
};

const textForm = (secret: string): Form => {
  const spelled = Array.from(secret, spell);
  const [first = ''] = secret;
  return {
    starts: startsOf(`${first}%\\&${first === ' ' ? '+' : ''}`),
    minChars: secret.length,
    match: (text, at) => {
      let to = at;
      for (const char of spelled) {
        const length = spelledLength(text, to, char);
        if (length === 0) return null;
        to += length;
      }
      return { from: at, to };
    },
  };
};

const isSeparator = (char: string | undefined): boolean => char === ' ' || char === ':' || char === '-';

/** `6f62`, `6F 62`, `6f:62`, `6f-62`. */
const hexForm = (bytes: Buffer): Form => {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const [first = ''] = digits[0] ?? '';
  return {
    starts: startsOf(first + first.toUpperCase()),
    minChars: bytes.length * 2,
    match: (text, at) => {
      let to = at;
      for (const pair of digits) {
        if (to > at && isSeparator(text[to])) to += 1;
        if (!startsWithAnyCase(text, to, pair)) return null;
        to += 2;
      }
      return { from: at, to };
    },
  };
};

/** RFC 2045 §6.8 breaks lines; inside of a JSON text the break is an escape. */
const LINE_BREAKS = ['\r\n', '\n', '\\r\\n', '\\n'];
/** Both alphabets (RFC 4648 §4 and §5), and their signs in a URL. */
const BASE64_SIGNS: Readonly<Record<string, readonly string[]>> = {
  '+': ['+', '-', '%2B', '%2b'],
  '/': ['/', '_', '%2F', '%2f'],
};
const BASE64_CHAR = /[A-Za-z0-9+/_-]/;
const PADDING = /(?:=|%3[dD]){1,2}/y;

const base64Length = (text: string, at: number, char: string): number => {
  const signs = BASE64_SIGNS[char];
  if (signs === undefined) return text[at] === char ? 1 : 0;
  return signs.find((sign) => text.startsWith(sign, at))?.length ?? 0;
};

const skipLineBreak = (text: string, at: number): number => {
  const char = text[at];
  if (char !== '\r' && char !== '\n' && char !== '\\') return at;
  return at + (LINE_BREAKS.find((lineBreak) => text.startsWith(lineBreak, at))?.length ?? 0);
};

const isBase64 = (char: string | undefined): boolean => char !== undefined && BASE64_CHAR.test(char);

/** Behind what the last character shares with the next byte, and behind the padding. */
const endOfBase64 = (text: string, at: number): number => {
  const shared = isBase64(text[at]) ? at + 1 : at;
  PADDING.lastIndex = shared;
  return shared + (PADDING.exec(text)?.[0].length ?? 0);
};

/**
 * Base64 of the bytes behind `offset` others: the characters that depend on the secret alone. A match takes in those
 * it shares with its neighbours, so that not even some bits of the secret are left.
 */
const base64Form = (bytes: Buffer, offset: number): Form => {
  const text64 = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const own = Array.from(text64.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6)));
  const isAligned = (offset + bytes.length) % 3 === 0;
  const [first = ''] = own;
  return {
    starts: startsOf(BASE64_SIGNS[first]?.map((sign) => sign.charAt(0)).join('') ?? first),
    minChars: own.length,
    match: (text, at) => {
      let to = at;
      for (const char of own) {
        const next = to === at ? at : skipLineBreak(text, to);
        const length = base64Length(text, next, char);
        if (length === 0) return null;
        to = next + length;
      }
      return { from: offset > 0 && isBase64(text[at - 1]) ? at - 1 : at, to: isAligned ? to : endOfBase64(text, to) };
    },
  };
};

/** A key file is looked for line by line, for it comes back in other lines, quoted, or in part. */
const piecesOf = (secret: string): string[] => {
  const { maxPieceChars, minSubstringChars } = MASK_LIMITS;
  if (secret.length <= maxPieceChars) return [secret];
  const chunks = secret.split(/[\r\n]+/).flatMap((line) => line.match(new RegExp(`.{1,${maxPieceChars}}`, 'gsu')) ?? []);
  return chunks.filter((chunk) => chunk.length >= minSubstringChars);
};

const formsOfPiece = (piece: string): Form[] => {
  const bytes = Buffer.from(piece);
  const plain = [textForm(piece), hexForm(bytes)];
  return bytes.length < MASK_LIMITS.minBase64Bytes ? plain : [...plain, ...[0, 1, 2].map((offset) => base64Form(bytes, offset))];
};

/** None for a secret that is too short to be looked for inside of other text. */
export const formsOf = (secret: string): Form[] =>
  secret.length < MASK_LIMITS.minSubstringChars ? [] : piecesOf(secret).flatMap(formsOfPiece);

/** The first index from `at` on where a match may begin; -1 where none is left. */
const nextStart = (text: string, at: number, { starts, minChars }: Form): number => {
  const last = text.length - minChars;
  for (let i = at; i <= last; i += 1) if (starts[Math.min(text.charCodeAt(i), BEYOND_ASCII)] === 1) return i;
  return -1;
};

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Bits of a 32-bit integer that can be told apart without a sign. */
const MAX_TOGETHER = 31;

/** For each UTF-16 unit below 128, and all beyond, a bit for each form that may begin with it. */
const unionOf = (forms: readonly Form[]): Int32Array => {
  const union = new Int32Array(BEYOND_ASCII + 1);
  forms.forEach(({ starts }, bit) => starts.forEach((may, code) => (union[code] = (union[code] ?? 0) | (may << bit))));
  return union;
};

/** The matches of several forms in one pass over the text: each as `rangesOf` gives them. */
const rangesTogether = (text: string, forms: readonly Form[], union: Int32Array): Range[][] => {
  const ranges = forms.map((): Range[] => []);
  const next = forms.map(() => 0);
  const last = text.length - Math.min(...forms.map(({ minChars }) => minChars));
  for (let at = 0; at <= last; at += 1) {
    let bits = union[Math.min(text.charCodeAt(at), BEYOND_ASCII)] ?? 0;
    for (; bits !== 0; bits &= bits - 1) {
      const index = 31 - Math.clz32(bits & -bits);
      const form = forms[index];
      if (form === undefined || at < (next[index] ?? 0) || at > text.length - form.minChars) continue;
      const match = form.match(text, at);
      if (match === null) continue;
      ranges[index]?.push({ from: Math.max(next[index] ?? 0, match.from), to: match.to });
      next[index] = match.to;
    }
  }
  return ranges;
};

/** Prepares the search for all of these forms; of each text it gives the matches of each form, in their order. */
export const rangeFinder = (forms: readonly Form[]): ((text: string) => Range[][]) => {
  const groups = Array.from({ length: Math.ceil(forms.length / MAX_TOGETHER) }, (_, index) =>
    forms.slice(index * MAX_TOGETHER, (index + 1) * MAX_TOGETHER),
  ).map((group) => ({ group, union: unionOf(group) }));
  return (text) => groups.flatMap(({ group, union }) => rangesTogether(text, group, union));
};

/** Every match of the form, in order, none over another. */
export const rangesOf = (text: string, form: Form): { readonly from: number; readonly to: number }[] => {
  const ranges: { from: number; to: number }[] = [];
  let kept = 0;
  for (let at = nextStart(text, 0, form); at !== -1; at = nextStart(text, at, form)) {
    const match = form.match(text, at);
    if (match === null) {
      at += 1;
      continue;
    }
    ranges.push({ from: Math.max(kept, match.from), to: match.to });
    kept = match.to;
    at = match.to;
  }
  return ranges;
};

/** Replaces every match of the form. @returns the text, and how often. */
export const replaceForm = (text: string, form: Form, mark: string): { readonly text: string; readonly count: number } => {
  const ranges = rangesOf(text, form);
  if (ranges.length === 0) return { text, count: 0 };
  return {
    text: replaceFound(
      text,
      ranges.map((range) => ({ ...range, kind: 'key' as const, mark })),
    ),
    count: ranges.length,
  };
};
