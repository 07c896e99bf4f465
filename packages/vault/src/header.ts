/**
 * The header of a record: public, and authenticated with everything it belongs to (docs/spec/vault.md).
 *
 * VAULT-5  only the canonical bytes of a header are a header: other key orders, white space, missing or further keys are refused.
 * VAULT-6  whoever opens a record says what it must be; a record of another service, owner, destination or an older version is refused.
 */
import { isUtf8 } from 'node:buffer';
import { canonicalJson, type Json } from '@airlock/protocol';
import { unreadable } from './keys.js';
import { isDigest, isEpoch, isOwner, isRecordId, isServiceName, isVaultId, isVersion } from './names.js';

export interface RecordHeader {
  readonly v: 1;
  /** Vault id. */
  readonly vault: string;
  /** Operator the credential belongs to. */
  readonly owner: string;
  readonly service: string;
  /** Record id. */
  readonly record: string;
  /** Counts the writes of this record from 1. */
  readonly version: number;
  /** Epoch of the KEK, from 0. */
  readonly epoch: number;
  /** `destinationDigest` of where the credential may go. */
  readonly destination: string;
}

/** What an opener knows beforehand; members left out are not compared. `minVersion` refuses what was rolled back. */
export type HeaderExpectation = Partial<RecordHeader> & { readonly minVersion?: number };

/** Far above any header (names are bounded), far below what costs time. */
const MAX_HEADER_BYTES = 1024;

const CHECKS: { readonly [Key in keyof RecordHeader]: (value: unknown) => boolean } = {
  v: (value) => value === 1,
  vault: isVaultId,
  owner: isOwner,
  service: isServiceName,
  record: isRecordId,
  version: isVersion,
  epoch: isEpoch,
  destination: isDigest,
};
const KEYS = Object.keys(CHECKS) as (keyof RecordHeader)[];

const isRecordHeader = (value: unknown): value is RecordHeader => {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== KEYS.length) return false;
  return KEYS.every((key) => Object.hasOwn(value, key) && CHECKS[key]((value as Record<string, unknown>)[key]));
};

/** Canonical JSON in UTF-8: the bytes that are authenticated. @throws AirlockError VAULT_UNREADABLE for a malformed member. */
export const headerBytes = (header: RecordHeader): Buffer => {
  if (!isRecordHeader(header)) throw unreadable('a header is malformed');
  return Buffer.from(canonicalJson(header as unknown as Json), 'utf8');
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable('a header is not JSON');
  }
};

/** @throws AirlockError VAULT_UNREADABLE for anything but the bytes `headerBytes` writes (VAULT-5). */
export const parseHeader = (bytes: Uint8Array): RecordHeader => {
  if (bytes.length > MAX_HEADER_BYTES || !isUtf8(bytes)) throw unreadable('a header is malformed');
  const buffer = Buffer.from(bytes);
  const header = parseJson(buffer.toString('utf8'));
  if (!isRecordHeader(header)) throw unreadable('a header is malformed');
  if (!headerBytes(header).equals(buffer)) throw unreadable('a header is not canonical');
  return header;
};

/** Compares a header with what its reader knows. @throws AirlockError VAULT_UNREADABLE naming the member that differs (VAULT-6). */
export const expectHeader = (header: RecordHeader, expected: HeaderExpectation): void => {
  for (const key of KEYS)
    if (expected[key] !== undefined && expected[key] !== header[key]) throw unreadable(`the record is of another ${key}`);
  if (expected.minVersion !== undefined && header.version < expected.minVersion)
    throw unreadable('the record is an older version');
};
