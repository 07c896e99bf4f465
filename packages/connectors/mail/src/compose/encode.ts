/** Text in a message of ASCII lines: encoded words for headers (RFC 2047), quoted-printable for the body (RFC 2045 §6.7). Pure. */

/** RFC 2047 §2: an encoded word has at most 75 characters, and a line 76; with `Subject: ` before it, base64 of 39 bytes makes 73. */
const WORD_BYTES = 39;
/** Leaves room for the name of the field on the first line. */
const PLAIN_CHARS = 60;
/** RFC 2045 §6.7: 76 characters with the `=` at the end. */
const LINE_CHARS = 75;

/** Pieces of at most `maxBytes` in UTF-8, no character cut in two. */
const pieces = (text: string, maxBytes: number): readonly string[] => {
  const found: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes + size > maxBytes) {
      found.push(piece);
      [piece, bytes] = ['', 0];
    }
    piece += character;
    bytes += size;
  }
  return piece === '' ? found : [...found, piece];
};

/** The value of an unstructured field, folded. Text that could be taken for an encoded word is encoded. */
export const encodeHeaderText = (text: string): string => {
  const isPlain = /^[\x20-\x7e]*$/.test(text) && text.length <= PLAIN_CHARS && text.trim() === text && !text.includes('=?');
  if (isPlain) return text;
  return pieces(text, WORD_BYTES)
    .map((piece) => `=?utf-8?B?${Buffer.from(piece).toString('base64')}?=`)
    .join('\r\n ');
};

const hex = (byte: number): string => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
const isLiteral = (byte: number): boolean => (byte >= 0x20 && byte <= 0x7e && byte !== 0x3d) || byte === 0x09;

/** A dot or `From ` at the beginning of a line means something to some programs on the way. */
const atStart = (token: string): string => (token === '.' || token === 'F' ? hex(token.charCodeAt(0)) : token);

const encodeLine = (line: string): string => {
  const bytes = Buffer.from(line);
  const lines: string[] = [];
  let current = '';
  bytes.forEach((byte, index) => {
    const isLast = index === bytes.length - 1;
    const token = isLiteral(byte) && !(isLast && (byte === 0x20 || byte === 0x09)) ? String.fromCharCode(byte) : hex(byte);
    if (current.length + token.length > LINE_CHARS) {
      lines.push(`${current}=`);
      current = '';
    }
    current += current === '' ? atStart(token) : token;
  });
  return [...lines, current].join('\r\n');
};

/** Lines of text, each ended by CRLF. */
export const quotedPrintable = (text: string): string =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${encodeLine(line)}\r\n`)
    .join('');
