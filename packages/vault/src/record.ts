/**
 * A credential as it is stored: fields sealed under a DEK, the DEK wrapped under a KEK (docs/spec/vault.md).
 *
 * VAULT-3  every write draws a fresh DEK, so no (key, nonce) pair can repeat; a DEK never seals twice.
 * VAULT-6  whoever opens a record says what it must be; the header is compared before any cryptography.
 * VAULT-7  fields are authenticated with the header, the wrapped DEK with the header and "dek": neither can stand for the other.
 * VAULT-12  a DEK that was wrapped again names the epoch of its KEK, and is authenticated with it.
 */
import { canonicalJson } from '@airlock/protocol';
import { NONCE_BYTES, openBytes, sealBytes, TAG_BYTES } from './aead.js';
import { expectHeader, headerBytes, type HeaderExpectation, parseHeader, type RecordHeader } from './header.js';
import { asDek, asKek, type Dek, type Kek, KEY_BYTES, type RandomSource, systemRandom, unreadable, wipe } from './keys.js';

/** Field name to value. */
export type Fields = Readonly<Record<string, string>>;

/** Canonical JSON of all fields: a TLS client key fits, a mailbox does not. */
export const MAX_FIELDS_BYTES = 65_536;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

const encodeFields = (fields: Fields): Buffer => {
  if (!Object.entries(fields).every(([name, value]) => FIELD_NAME.test(name) && value.isWellFormed()))
    throw unreadable('a field is malformed');
  const bytes = Buffer.from(canonicalJson(fields), 'utf8');
  if (bytes.length <= MAX_FIELDS_BYTES) return bytes;
  wipe(bytes);
  throw unreadable('the fields are larger than 64 KiB');
};

/** Authenticated bytes of our own writing; checked all the same, as a reader of another release may write them. */
const decodeFields = (bytes: Uint8Array): Fields => {
  if (bytes.length > MAX_FIELDS_BYTES) throw unreadable('the fields are larger than 64 KiB');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const parsed = parseFields(text);
  for (const [name, value] of Object.entries(parsed))
    if (!FIELD_NAME.test(name) || typeof value !== 'string') throw unreadable('the fields are malformed');
  const fields = parsed as Fields;
  if (canonicalJson(fields) !== text) throw unreadable('the fields are not canonical');
  return fields;
};

const parseFields = (text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The parser's message quotes the text, which is a secret.
  }
  throw unreadable('the fields are malformed');
};

export interface SealRecordInput {
  readonly dek: Dek;
  readonly header: RecordHeader;
  readonly fields: Fields;
  readonly random?: RandomSource;
}

/**
 * Seals fields under a fresh DEK. `header`: the canonical bytes; `body`: nonce (12) ‖ ciphertext ‖ tag (16).
 * @throws AirlockError VAULT_UNREADABLE for a malformed header or field, or more than 64 KiB of fields.
 */
export const sealRecord = ({
  dek,
  header,
  fields,
  random = systemRandom,
}: SealRecordInput): { readonly header: Buffer; readonly body: Buffer } => {
  const aad = headerBytes(header);
  const plaintext = encodeFields(fields);
  try {
    return { header: aad, body: sealBytes(asDek(dek), plaintext, aad, random) };
  } finally {
    wipe(plaintext);
  }
};

export interface OpenRecordInput {
  readonly dek: Dek;
  /** Canonical bytes as stored. */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  /** What the record must be: a cell gives at least service, owner and the digest of the destination it will connect to. */
  readonly expected: HeaderExpectation;
}

/** @throws AirlockError VAULT_UNREADABLE */
export const openRecord = ({
  dek,
  header,
  body,
  expected,
}: OpenRecordInput): { readonly header: RecordHeader; readonly fields: Fields } => {
  const parsed = parseHeader(header);
  expectHeader(parsed, expected);
  const plaintext = openBytes(asDek(dek), body, header);
  try {
    return { header: parsed, fields: decodeFields(plaintext) };
  } finally {
    wipe(plaintext);
  }
};

const DEK_SUFFIX = Buffer.from('dek', 'utf8');
const EPOCH_BYTES = 4;
const MAX_WRAPPING_EPOCH = 0xffff_ffff;
/** `epoch`: empty for a DEK wrapped under the epoch of its header. */
const dekAad = (header: Uint8Array, epoch: Uint8Array): Buffer => Buffer.concat([header, DEK_SUFFIX, epoch]);

/** nonce (12) ‖ encrypted DEK (32) ‖ tag (16). */
export const WRAPPED_BYTES = KEY_BYTES + NONCE_BYTES + TAG_BYTES;
/** Epoch (4, big-endian) before the same: a DEK that was wrapped again after another phone was enrolled. */
export const REWRAPPED_BYTES = EPOCH_BYTES + WRAPPED_BYTES;

const epochPrefix = (epoch: number, headerEpoch: number): Buffer => {
  if (epoch === headerEpoch) return Buffer.alloc(0);
  if (!Number.isSafeInteger(epoch) || epoch < headerEpoch || epoch > MAX_WRAPPING_EPOCH)
    throw unreadable('a key cannot be wrapped for that epoch');
  const bytes = Buffer.alloc(EPOCH_BYTES);
  bytes.writeUInt32BE(epoch);
  return bytes;
};

/**
 * Epoch of the KEK a DEK is wrapped under: that of the header, or a later one.
 * @throws AirlockError VAULT_UNREADABLE for other lengths, and for an epoch that is not above the header's (VAULT-12)
 */
export const wrappingEpoch = ({ epoch }: Pick<RecordHeader, 'epoch'>, wrapped: Uint8Array): number => {
  if (wrapped.length === WRAPPED_BYTES) return epoch;
  if (wrapped.length !== REWRAPPED_BYTES) throw unreadable('a wrapped key has the wrong length');
  const later = Buffer.from(wrapped.buffer, wrapped.byteOffset, EPOCH_BYTES).readUInt32BE();
  if (later <= epoch) throw unreadable('a wrapped key names an epoch that is not later than its record');
  return later;
};

export interface WrapDekInput {
  readonly kek: Kek;
  /** Canonical bytes of the record's header. */
  readonly header: Uint8Array;
  readonly dek: Dek;
  /** Epoch of `kek`; the header's where not given. Above it: the DEK is wrapped again, nothing else of the record changes. */
  readonly epoch?: number;
  readonly random?: RandomSource;
}

/**
 * `WRAPPED_BYTES`, or `REWRAPPED_BYTES` for a later epoch.
 * @throws AirlockError VAULT_UNREADABLE for a header that is not canonical, or an epoch before its own.
 */
export const wrapDek = ({ kek, header, dek, epoch, random = systemRandom }: WrapDekInput): Buffer => {
  const parsed = parseHeader(header);
  const prefix = epochPrefix(epoch ?? parsed.epoch, parsed.epoch);
  return Buffer.concat([prefix, sealBytes(asKek(kek), asDek(dek), dekAad(header, prefix), random)]);
};

/** The caller wipes the DEK after use. @throws AirlockError VAULT_UNREADABLE */
export const unwrapDek = ({
  kek,
  header,
  wrapped,
}: {
  readonly kek: Kek;
  readonly header: Uint8Array;
  readonly wrapped: Uint8Array;
}): Dek => {
  const { epoch } = parseHeader(header);
  const prefix = epochPrefix(wrappingEpoch({ epoch }, wrapped), epoch);
  return asDek(openBytes(asKek(kek), wrapped.subarray(prefix.length), dekAad(header, prefix), KEY_BYTES));
};
