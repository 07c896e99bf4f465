/** The header fields of a message or part, decoded and cleaned. */
import { addressParser, decodeWords, type Address } from 'postal-mime';
import { LIMITS } from '../limits.js';
import { cleanLine } from '../text/clean.js';
import { decodeText } from './decode.js';

export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** First value of each field, name in lower case, unfolded, not yet decoded. */
export type Fields = ReadonlyMap<string, string>;

/** Reads a header block up to its empty line (RFC 5322 §2.2). Raw 8-bit text is UTF-8 where valid. */
export const parseFields = (bytes: Buffer): Fields => {
  const fields = new Map<string, string>();
  const unfolded = decodeText(bytes, null).text.replace(/\r?\n[ \t]+/g, ' ');
  for (const line of unfolded.split(/\r?\n/)) {
    if (line === '') break;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== '' && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
};

const decoded = (value: string, maxChars: number): string => cleanLine(decodeWords(value.slice(0, LIMITS.headerBytes)), maxChars);

const flat = (address: Address): readonly MailAddress[] =>
  address.group ? address.group.flatMap(flat) : [{ name: decoded(address.name, 200), address: cleanLine(address.address, 254) }];

/** Mailboxes of an address field, groups unwrapped. */
export const addressesOf = (fields: Fields, name: string): readonly MailAddress[] => {
  const value = fields.get(name);
  if (value === undefined || value === '') return [];
  return addressParser(value.slice(0, LIMITS.headerBytes)).flatMap(flat).slice(0, LIMITS.maxAddresses);
};

/** A field of text, decoded (RFC 2047); empty where there is none. */
export const textOf = (fields: Fields, name: string): string => decoded(fields.get(name) ?? '', LIMITS.maxSubjectChars);

/** The Date field, ISO 8601 UTC, or null where it is none. */
export const dateOf = (fields: Fields): string | null => {
  const value = (fields.get('date') ?? '').slice(0, 100).replace(/\([^()]*\)/g, '');
  const ms = Date.parse(value);
  return value !== '' && Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : null;
};

/** `type/subtype; name=value …` (RFC 2045 §5.1, RFC 2231). */
export interface Parametrised {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const PARAMETER = /;\s*([A-Za-z0-9*_-]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g;

export const parseParametrised = (text: string): Parametrised => {
  const parameters = new Map<string, string>();
  const bounded = text.slice(0, LIMITS.headerBytes);
  for (const [, name = '', quoted, plain] of bounded.matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (parameters.size < 50 && !parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return { value: (bounded.split(';', 1)[0] ?? '').trim().toLowerCase(), parameters };
};

const percentDecoded = (text: string): string => {
  const [, charset = '', encoded = text] = /^([^']*)'[^']*'(.*)$/s.exec(text) ?? [];
  const bytes = encoded.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return decodeText(Buffer.from(bytes, 'latin1'), charset === '' ? null : charset).text;
};

/** A parameter in any of its spellings: `name`, `name*` (RFC 2231 §4), `name*0*`, `name*1` … (§3), or encoded words. */
export const parameterOf = (parameters: ReadonlyMap<string, string>, name: string): string | null => {
  const extended = parameters.get(`${name}*`);
  if (extended !== undefined) return percentDecoded(extended);
  const plain = parameters.get(name);
  if (plain !== undefined) return decodeWords(plain);
  let joined = '';
  for (let index = 0; index < 50; index += 1) {
    const piece = parameters.get(`${name}*${index}*`) ?? parameters.get(`${name}*${index}`);
    if (piece === undefined) break;
    joined += piece;
  }
  if (joined === '') return null;
  return parameters.has(`${name}*0*`) ? percentDecoded(joined) : decodeWords(joined);
};
