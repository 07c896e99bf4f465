/**
 * The stored form of a record: one line of canonical JSON, three base64url texts (docs/spec/vault.md).
 *
 * VAULT-11  any other text, and parts of any other length, are refused.
 */
import { canonicalJson, decodeBase64url, encodeBase64url } from '@airlock/protocol';
import { NONCE_BYTES, TAG_BYTES } from './aead.js';
import { parseHeader } from './header.js';
import { unreadable } from './keys.js';
import { MAX_FIELDS_BYTES, wrappingEpoch } from './record.js';

/** Base64url texts of: canonical header; epoch where wrapped again ‖ nonce ‖ encrypted DEK ‖ tag; nonce ‖ encrypted fields ‖ tag. */
export interface SealedRecord {
  readonly header: string;
  readonly wrapped: string;
  readonly body: string;
}

/** The same three as bytes. */
export interface SealedRecordBytes {
  readonly header: Uint8Array;
  readonly wrapped: Uint8Array;
  readonly body: Uint8Array;
}

const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;
/** Which lengths there are, `wrappingEpoch` knows. */
const MAX_WRAPPED_BYTES = 64;
/** Header, wrapped DEK and the largest body in base64url, with the JSON around them. */
const MAX_TEXT_CHARS = 100_000;

const decode = (text: unknown, min: number, max: number): Buffer => {
  const bytes = typeof text === 'string' ? decodeBase64url(text) : null;
  if (bytes === null || bytes.length < min || bytes.length > max) throw unreadable('a stored record is malformed');
  return bytes;
};

export const toSealedRecord = ({ header, wrapped, body }: SealedRecordBytes): SealedRecord => ({
  header: encodeBase64url(header),
  wrapped: encodeBase64url(wrapped),
  body: encodeBase64url(body),
});

/** Checks lengths and that the header is canonical. @throws AirlockError VAULT_UNREADABLE */
export const fromSealedRecord = (record: SealedRecord): SealedRecordBytes => {
  const header = decode(record.header, 1, 1024);
  const wrapped = decode(record.wrapped, 1, MAX_WRAPPED_BYTES);
  wrappingEpoch(parseHeader(header), wrapped);
  return {
    header,
    wrapped,
    body: decode(record.body, OVERHEAD_BYTES + 2, OVERHEAD_BYTES + MAX_FIELDS_BYTES),
  };
};

/** Canonical JSON, no line end. @throws AirlockError VAULT_UNREADABLE for a malformed record. */
export const encodeSealedRecord = (record: SealedRecord): string => {
  fromSealedRecord(record);
  return canonicalJson({ header: record.header, wrapped: record.wrapped, body: record.body });
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable('a stored record is not JSON');
  }
};

/** @throws AirlockError VAULT_UNREADABLE for any text but what `encodeSealedRecord` writes. */
export const parseSealedRecord = (text: string): SealedRecord => {
  if (text.length > MAX_TEXT_CHARS) throw unreadable('a stored record is too large');
  const value = parseJson(text) as Partial<SealedRecord> | null;
  if (typeof value !== 'object' || value === null) throw unreadable('a stored record is malformed');
  const { header, wrapped, body } = value;
  if (header === undefined || wrapped === undefined || body === undefined) throw unreadable('a stored record is malformed');
  const record = { header, wrapped, body };
  if (encodeSealedRecord(record) !== text) throw unreadable('a stored record is not canonical');
  return record;
};
