/**
 * Regular expressions that find one secret in the forms in which software writes it down.
 *
 * GUARD-5  found are: the value itself, each of its characters perhaps percent-encoded, escaped as in JSON or
 *          JavaScript, or as an HTML reference; hexadecimal in either case, perhaps with separators; base64 and
 *          base64url at each of the three alignments, perhaps with line breaks.
 */
import { MASK_LIMITS } from './limits.js';

const escapeLiteral = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** A hexadecimal digit in either case. */
const hexDigit = (digit: string): string => (/[a-f]/.test(digit) ? `[${digit}${digit.toUpperCase()}]` : digit);
const hexText = (hex: string): string => Array.from(hex, hexDigit).join('');

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
};
const HTML_NAMES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

const percentForm = (char: string): string =>
  Array.from(Buffer.from(char), (byte) => `%${hexText(byte.toString(16).padStart(2, '0'))}`).join('');

const unicodeEscape = (char: string): string =>
  Array.from({ length: char.length }, (_, i) => `\\\\u${hexText(char.charCodeAt(i).toString(16).padStart(4, '0'))}`).join('');

const htmlForm = (char: string): string => {
  const code = char.codePointAt(0) ?? 0;
  const name = HTML_NAMES[char];
  const numbers = `#0{0,5}${code}|#[xX]0{0,5}${hexText(code.toString(16))}`;
  return `&(?:${numbers}${name === undefined ? '' : `|${name}`});`;
};

/** One character in every form; the literal first, since it is the likely one. */
const characterPattern = (char: string): string => {
  const forms = [escapeLiteral(char), percentForm(char), unicodeEscape(char), htmlForm(char)];
  // application/x-www-form-urlencoded.
  if (char === ' ') forms.push('\\+');
  const escape = JSON_ESCAPES[char];
  if (escape !== undefined) forms.push(`\\\\${escapeLiteral(escape)}`);
  return `(?:${forms.join('|')})`;
};

const textPattern = (secret: string): string => Array.from(secret, characterPattern).join('');

/** `6f 62`, `6F:62`, `6f-62`, `6f62`. */
const hexPattern = (bytes: Buffer): string =>
  Array.from(bytes, (byte) => hexText(byte.toString(16).padStart(2, '0'))).join('[ :-]?');

/** Both alphabets (RFC 4648 §4 and §5) and their percent-encoded signs. */
const base64Character = (char: string): string => {
  if (char === '+') return '(?:[+-]|%2[bB])';
  return char === '/' ? '(?:[/_]|%2[fF])' : char;
};
/** RFC 2045 §6.8 breaks lines; JSON inside a string writes the break as an escape. */
const LINE_BREAK = '(?:\\r?\\n|\\\\r\\\\n|\\\\n)?';

/**
 * Base64 of the bytes behind `offset` others: the characters that depend on the secret alone, and around them
 * those it shares with its neighbours, so that not even some bits of it are left.
 */
const base64Pattern = (bytes: Buffer, offset: number): string => {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  const own = Array.from(text.slice(first, end), base64Character).join(LINE_BREAK);
  const isAligned = (offset + bytes.length) % 3 === 0;
  const before = offset === 0 ? '' : '[A-Za-z0-9+/_-]?';
  return `${before}${own}${isAligned ? '' : '(?:[A-Za-z0-9+/_-]?(?:={1,2}|(?:%3[dD]){1,2})?)'}`;
};

const sourceOf = (piece: string): string => {
  const bytes = Buffer.from(piece);
  const patterns = [textPattern(piece), hexPattern(bytes)];
  if (bytes.length >= MASK_LIMITS.minBase64Bytes) patterns.push(...[0, 1, 2].map((offset) => base64Pattern(bytes, offset)));
  return patterns.join('|');
};

/** A key file is looked for line by line: as one expression it would be too large to compile. */
const piecesOf = (secret: string): string[] => {
  const { maxPieceChars, minSubstringChars } = MASK_LIMITS;
  if (secret.length <= maxPieceChars) return [secret];
  const chunks = secret.split(/[\r\n]+/).flatMap((line) => line.match(new RegExp(`.{1,${maxPieceChars}}`, 'gu')) ?? []);
  return chunks.filter((chunk) => chunk.length >= minSubstringChars);
};

/** Sources of regular expressions, one a piece, without capture groups and unbounded repetitions. None for a short secret. */
export const secretPatterns = (secret: string): string[] =>
  secret.length < MASK_LIMITS.minSubstringChars ? [] : piecesOf(secret).map(sourceOf);
