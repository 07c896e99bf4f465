/**
 * Who wrote a message, as far as its From field says: read strictly, for a lease is held to it. Who is shown is read elsewhere,
 * leniently, by the same parser of addresses.
 *
 * MAIL-33  a header that is cut, has no From field or two, or an address with anything invisible in it, has no sender at all.
 */
import { addressParser, type Address } from 'postal-mime';
import { decodeText } from './mime/decode.js';

/** Bytes of a header that are looked at. */
const MAX_HEADER_BYTES = 256 * 1024;
const MAX_ADDRESSES = 100;
/** RFC 5321 §4.5.3.1.3; one `@` outside of quotes is not asked for: the last one counts. */
const ADDRESS = /^[^\s\p{C}]{1,200}@[^\s\p{C}@"]{1,253}$/u;

const flat = ({ group, address = '' }: Address): readonly string[] => group?.flatMap(flat) ?? [address.toLowerCase()];

/** The value of the one From field, or null (MAIL-33). */
const fromValue = (bytes: Buffer): string | null => {
  const text = decodeText(bytes.subarray(0, MAX_HEADER_BYTES), null).text;
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return null;
  const lines = text
    .slice(0, end.index)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);
  const [field, ...more] = lines.filter((line) => /^from[ \t]*:/i.test(line));
  return field === undefined || more.length > 0 ? null : field.slice(field.indexOf(':') + 1);
};

/**
 * Addresses of the From field in lower case, none where they cannot be told for certain.
 * @param bytes a header or message from its first byte, with the empty line that ends the header
 */
export const sendersIn = (bytes: Buffer): readonly string[] => {
  const value = fromValue(bytes);
  if (value === null) return [];
  const addresses = addressParser(value).flatMap(flat);
  return addresses.length <= MAX_ADDRESSES && addresses.every((address) => ADDRESS.test(address)) ? addresses : [];
};
