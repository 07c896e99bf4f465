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

/** One form. */
export interface Form {
  /** UTF-16 units with which a match may begin: those behind which one of `second` follows, and those behind which anything may. */
  readonly first: string;
  readonly second: string;
  readonly loose: string;
  /** No text below this many characters can hold it. */
  readonly minChars: number;
  /** End of the match that begins at `at`; NONE where there is none, OPEN where the text ends before that is decided. */
  endAt(text: string, at: number): number;
  /** What is masked of a match: its neighbours may share some of its bits. */
  widen(text: string, at: number, end: number): Range;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export const NONE = 0;
export const OPEN = -1;

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

/** Begin a spelling that is longer than the character. */
const ESCAPES = '%\\&';
/** `%f0%9f%98%80`, `&#128512;`. */
const MAX_SPELLING = 16;

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
  const [first = '', second = ''] = Array.from(secret);
  // The second unit of the first character, or the first of the second in any spelling.
  const next = first.length > 1 ? first.slice(1) : `${second}${ESCAPES}${second === ' ' ? '+' : ''}`;
  return {
    ...{ first: first.charAt(0), second: next, loose: `${ESCAPES}${first === ' ' ? '+' : ''}`, minChars: secret.length },
    endAt: (text, at) => {
      let to = at;
      for (const char of spelled) {
        const length = spelledLength(text, to, char);
        if (length === 0) return isCutShort(text, to, char) ? OPEN : NONE;
        to += length;
      }
      return to;
    },
    widen: (_, from, to) => ({ from, to }),
  };
};

/** What stands there may be the beginning of a spelling. */
const isCutShort = (text: string, at: number, { char }: Spelled): boolean => {
  const left = text.length - at;
  return left < char.length || (left < MAX_SPELLING && ESCAPES.includes(text.charAt(at)));
};

const isSeparator = (char: string | undefined): boolean => char === ' ' || char === ':' || char === '-';

/** `6f62`, `6F 62`, `6f:62`, `6f-62`. */
const hexForm = (bytes: Buffer): Form => {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const [first = '', second = ''] = digits[0] ?? '';
  return {
    ...{ first: first + first.toUpperCase(), second: second + second.toUpperCase(), loose: '', minChars: bytes.length * 2 },
    endAt: (text, at) => {
      let to = at;
      for (const pair of digits) {
        if (to > at && isSeparator(text[to])) to += 1;
        if (!startsWithAnyCase(text, to, pair)) return text.length - to < pair.length ? OPEN : NONE;
        to += 2;
      }
      return to;
    },
    widen: (_, from, to) => ({ from, to }),
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
  const [first = '', second = ''] = own;
  const begins = beginningsOf(first);
  return {
    ...{
      first: begins,
      second: `${beginningsOf(second)}\r\n\\`,
      loose: begins.includes('%') ? begins : '',
      minChars: own.length,
    },
    endAt: (text, at) => {
      let to = at;
      for (const char of own) {
        const next = to === at ? at : skipLineBreak(text, to);
        const length = base64Length(text, next, char);
        if (length === 0) return isBreakCutShort(text, next) ? OPEN : NONE;
        to = next + length;
      }
      return to;
    },
    widen: (text, at, end) => ({
      from: offset > 0 && isBase64(text[at - 1]) ? at - 1 : at,
      to: isAligned ? end : endOfBase64(text, end),
    }),
  };
};

const beginningsOf = (char: string): string => BASE64_SIGNS[char]?.map((sign) => sign.charAt(0)).join('') ?? char;

/** What stands there may be the beginning of a line break or of a sign: none is longer than four characters. */
const isBreakCutShort = (text: string, at: number): boolean =>
  at >= text.length || (text.length - at < 4 && '%\\\r\n'.includes(text.charAt(at)));

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
