/**
 * A backup as a file: two lines that anybody may read, then one sealed body (docs/spec/backup.md).
 *
 * BACKUP-1  everything but those lines is sealed under the recovery key, and they are authenticated with it.
 * BACKUP-3  a file that was cut, changed, or belongs to another key is refused, and it is said which.
 */
import { canonicalJson, decodeBase64url, encodeBase64url, type Json } from '@airlock/protocol';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { openBytes, sealBytes } from './aead.js';
import { asWrappingKey, KEY_BYTES, type RandomSource, systemRandom, unreadable, wipe, type WrappingKey } from './keys.js';

const MAGIC = 'airlock-backup 1';
const SALT_BYTES = 16;
const ID_BYTES = 8;
const OVERHEAD_BYTES = 28;
const MAX_HEADER_CHARS = 16_384;

/** The readable part. */
export interface BackupHeader {
  /** ISO time. */
  readonly made: string;
  /** Counts the backups of an installation from 1. */
  readonly generation: number;
  readonly operators: readonly string[];
}

interface StoredHeader extends BackupHeader {
  readonly salt: string;
  /** Says which key it is, nothing of the key. */
  readonly key: string;
  /** Length of the sealed body. */
  readonly bytes: number;
}

/** `archive` seals the body, `totp` what airlock-totp seals itself inside of it. */
export type BackupKeyName = 'archive' | 'totp' | 'id';

/** HKDF-SHA-256, salt of the file, info `airlock/v1/backup/NAME`, 32 bytes. */
export const deriveBackupKey = (recoveryKey: Uint8Array, salt: Uint8Array, name: BackupKeyName): WrappingKey =>
  asWrappingKey(hkdf(sha256, recoveryKey, salt, Buffer.from(`airlock/v1/backup/${name}`), KEY_BYTES));

export const newBackupSalt = (random: RandomSource = systemRandom): Buffer => Buffer.from(random(SALT_BYTES));

const keyId = (recoveryKey: Uint8Array, salt: Uint8Array): string =>
  encodeBase64url(deriveBackupKey(recoveryKey, salt, 'id').subarray(0, ID_BYTES));

export interface SealBackupInput {
  readonly recoveryKey: Uint8Array;
  readonly salt: Uint8Array;
  readonly header: BackupHeader;
  readonly body: Uint8Array;
  readonly random?: RandomSource;
}

/** The whole file. */
export const sealBackup = ({ recoveryKey, salt, header, body, random = systemRandom }: SealBackupInput): Buffer => {
  const { made, generation, operators } = header;
  const stored: StoredHeader = {
    ...{ made, generation, operators },
    salt: encodeBase64url(salt),
    key: keyId(recoveryKey, salt),
    bytes: body.length + OVERHEAD_BYTES,
  };
  const lines = Buffer.from(`${MAGIC}\n${canonicalJson(stored as unknown as Json)}\n`);
  const key = deriveBackupKey(recoveryKey, salt, 'archive');
  try {
    return Buffer.concat([lines, sealBytes(key, body, lines, random)]);
  } finally {
    wipe(key);
  }
};

const isStored = (value: unknown): value is StoredHeader => {
  const one = value as Partial<StoredHeader> | null;
  if (typeof one !== 'object' || one === null || Object.keys(one).length !== 6) return false;
  const isText = typeof one.made === 'string' && typeof one.salt === 'string' && typeof one.key === 'string';
  const isCounted = Number.isSafeInteger(one.generation) && Number.isSafeInteger(one.bytes);
  return isText && isCounted && Array.isArray(one.operators) && one.operators.every((name) => typeof name === 'string');
};

const parseHeaderLine = (line: string): StoredHeader => {
  try {
    const value: unknown = JSON.parse(line);
    if (isStored(value) && canonicalJson(value as unknown as Json) === line) return value;
  } catch {
    // As any other line that is none of ours.
  }
  throw unreadable('the second line of the backup is damaged');
};

interface Parts {
  readonly header: StoredHeader;
  readonly lines: Buffer;
  readonly sealed: Buffer;
}

const split = (file: Buffer): Parts => {
  const first = file.indexOf(10);
  const magic = first < 0 ? '' : file.subarray(0, first).toString('latin1');
  if (/^airlock-backup \d+$/.test(magic) && magic !== MAGIC)
    throw unreadable('the backup was made by a later release; restore it with that one');
  const second = file.indexOf(10, first + 1);
  if (magic !== MAGIC || second < 0 || second > MAX_HEADER_CHARS) throw unreadable('the file is no backup of Airlock');
  const header = parseHeaderLine(file.subarray(first + 1, second).toString('utf8'));
  return { header, lines: file.subarray(0, second + 1), sealed: file.subarray(second + 1) };
};

/** The readable lines alone; nothing of them is authenticated yet. @throws AirlockError VAULT_UNREADABLE */
export const readBackupHeader = (file: Buffer): BackupHeader => {
  const { made, generation, operators } = split(file).header;
  return { made, generation, operators };
};

const openBody = ({ lines, sealed }: Parts, recoveryKey: Uint8Array, salt: Uint8Array): Uint8Array => {
  const key = deriveBackupKey(recoveryKey, salt, 'archive');
  try {
    return openBytes(key, sealed, lines);
  } finally {
    wipe(key);
  }
};

/** BACKUP-3. @throws AirlockError VAULT_UNREADABLE that says what is wrong */
export const openBackup = (
  file: Buffer,
  recoveryKey: Uint8Array,
): { readonly header: BackupHeader; readonly salt: Buffer; readonly body: Buffer } => {
  const parts = split(file);
  const { header, sealed } = parts;
  if (sealed.length !== header.bytes)
    throw unreadable(
      `the backup was ${sealed.length < header.bytes ? 'cut short' : 'added to'}: ${sealed.length} bytes of ${header.bytes}`,
    );
  const salt = decodeBase64url(header.salt) ?? Buffer.alloc(0);
  if (keyId(recoveryKey, salt) !== header.key) throw unreadable('the recovery key is that of another backup');
  try {
    const body = openBody(parts, recoveryKey, salt);
    const { made, generation, operators } = header;
    return { header: { made, generation, operators }, salt, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
  } catch {
    throw unreadable('the backup was changed since it was made');
  }
};
