/**
 * Binary frames of release.sock, of the key exchange on approve/OP.sock, and of the lease key on bridge.sock.
 * docs/spec/release.md gives layouts and vectors. Integers are big-endian; `blob` is u16 length and bytes.
 */
import type { ScopeClass } from '../scope.js';
import type { Constraints } from './agent.js';

export const FRAME = {
  /** cell → totp: blob ticket ‖ blob header ‖ blob wrapped DEK, and an empty blob where the kind has rotating fields */
  RELEASE_REQUEST: 0x01,
  /** totp → cell: 32-byte DEK ‖ blob limits (JSON, ReleaseLimits), and blob DEK ‖ blob header ‖ blob wrapped DEK of the next version where asked for */
  RELEASE_GRANT: 0x02,
  /** totp → cell or airlock-ctl: blob error (JSON, {code, message, data}) */
  REFUSED: 0x03,
  /** airlock-ctl → totp: blob ticket */
  SEAL_KEY_REQUEST: 0x04,
  /** totp → airlock-ctl: 32-byte DEK ‖ blob header ‖ blob wrapped DEK */
  SEAL_KEY: 0x05,
  /** airlock-ctl → totp: blob ticket ‖ blob header ‖ blob wrapped DEK */
  OPEN_KEY_REQUEST: 0x06,
  /** totp → airlock-ctl: 32-byte DEK */
  OPEN_KEY: 0x07,
  /** totp → gateway: 32-byte lease key ‖ blob key id */
  LEASE_KEY: 0x08,
  /** airlock-ctl → totp, on root.sock: 32-byte key (docs/spec/backup.md) */
  BACKUP_REQUEST: 0x09,
  /** totp → airlock-ctl: blob sealed ‖ blob facts (JSON) */
  BACKUP: 0x0b,
  /** airlock-ctl → totp, on root.sock: 32-byte key ‖ blob sealed ‖ blob order (JSON) */
  RESTORE_REQUEST: 0x0c,
  /** totp → airlock-ctl: blob answer (JSON) */
  RESTORE: 0x0d,
} as const;

/** The one operation that a release is for (approval.md "Operation requests"). */
export interface ApprovedOperation {
  readonly request: string;
  readonly operation: string;
  /** As it was shown. */
  readonly class: ScopeClass;
  /** SHA-256 of the canonical JSON of {operation, params, service}. */
  readonly digest: string;
}

/** What the cell may do with the key, enforced there a second time. */
export interface ReleaseLimits {
  readonly lease: string;
  readonly service: string;
  readonly operator: string;
  /** A trial may only log in and out. */
  readonly trial: boolean;
  readonly scopes: readonly string[];
  readonly constraints: Constraints;
  readonly deadlineWallMs: number;
  readonly deadlineBootMs: number;
  /** Names of the service's writes that need no approval of their own (UNATTENDED-3). */
  readonly unattended?: readonly string[];
  /** Where it is there, the cell runs this and nothing else, once. */
  readonly approved?: ApprovedOperation;
}

/** What its length of 16 bits can say. */
export const MAX_BLOB_BYTES = 0xffff;

/** Fixed-length head, then blobs (u16 big-endian length ‖ bytes). @throws RangeError for a blob above MAX_BLOB_BYTES */
export const packBlobs = (head: Uint8Array, ...blobs: readonly Uint8Array[]): Buffer => {
  const parts: Uint8Array[] = [head];
  for (const blob of blobs) {
    if (blob.length > MAX_BLOB_BYTES) throw new RangeError('a blob holds at most 65,535 bytes');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(blob.length);
    parts.push(length, blob);
  }
  return Buffer.concat(parts);
};

/**
 * The reverse of packBlobs.
 * @returns head and exactly `count` blobs (copies), or null where lengths do not add up to the payload.
 */
export const unpackBlobs = (payload: Uint8Array, headLength: number, count: number): { head: Buffer; blobs: Buffer[] } | null => {
  const bytes = Buffer.from(payload);
  if (bytes.length < headLength) return null;
  const blobs: Buffer[] = [];
  let at = headLength;
  while (blobs.length < count) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return null;
    blobs.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return at === bytes.length ? { head: bytes.subarray(0, headLength), blobs } : null;
};
