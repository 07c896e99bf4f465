/** `* LIST` answers, read here and never shown to node-imap: its folder tree can be made to write to Object.prototype. */

/** One folder as the server lists it. */
export interface ListedFolder {
  /** Attributes in lower case, without the backslash. */
  readonly attributes: readonly string[];
  readonly delimiter: string | null;
  /** Name as on the wire, modified UTF-7 (RFC 3501 §5.1.3), bytes as latin1. */
  readonly wireName: string;
}

const LIST_LINE = /^LIST \(([^()"{}]{0,500})\) (?:NIL|"(\\?.)") (?:"((?:[^"\\]|\\.)*)"|([^ "(){]+))$/i;

/** @returns the folder, or null where the line is not readable; such a line is left out. */
export const parseListLine = (line: string, literal: string | null): ListedFolder | null => {
  const found = LIST_LINE.exec(literal === null ? line : `${line}""`);
  if (!found) return null;
  const name = literal ?? found[3]?.replace(/\\(.)/g, '$1') ?? found[4] ?? '';
  const attributes = (found[1] ?? '').split(' ').filter((text) => text !== '');
  return {
    attributes: attributes.map((text) => text.toLowerCase().replace(/^\\/, '')),
    delimiter: found[2]?.replace(/^\\(?=.)/, '') ?? null,
    wireName: name,
  };
};

const BASE64_RUN = /&([A-Za-z0-9+,]*)-/g;

const decodeRun = (run: string): string => {
  if (run === '') return '&';
  const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64');
  return bytes
    .subarray(0, bytes.length & ~1)
    .swap16()
    .toString('utf16le');
};

/** @returns the name as text, or null where it does not encode back to the same wire name (it could not be opened then). */
export const decodeFolderName = (wireName: string): string | null => {
  if (/[\x00-\x1f\x7f-\xff]/.test(wireName)) return null;
  const name = wireName.replace(BASE64_RUN, (_all, run: string) => decodeRun(run));
  return encodeFolderName(name) === wireName ? name : null;
};

/** Modified UTF-7 of a name. */
export const encodeFolderName = (name: string): string =>
  name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
