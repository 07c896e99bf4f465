/** Recovery codes: ten of 80 bits, written in groups of four, kept as SHA-256 (docs/spec/approval.md "Enrolment"). */
import { sha256Hex } from '@airlock/protocol';
import { decodeBase32, encodeBase32 } from './base32.js';

export const RECOVERY_CODES = 10;
/** 80 bits: 16 characters of base32, four groups. */
export const RECOVERY_BYTES = 10;

export const formatRecoveryCode = (bytes: Uint8Array): string => encodeBase32(bytes).replace(/(.{4})(?=.)/g, '$1-');

/** The digest it is kept under. */
export const recoveryDigestOf = (bytes: Uint8Array): string => sha256Hex(bytes);

/** The digest of a written one, or null where the text cannot be a recovery code. */
export const recoveryDigest = (text: string): string | null => {
  const bytes = decodeBase32(text);
  return bytes?.length === RECOVERY_BYTES ? recoveryDigestOf(bytes) : null;
};

/** Of these digests, those that still count. */
export const unusedOf = (recovery: readonly string[], burnt: readonly string[]): string[] =>
  recovery.filter((digest) => !burnt.includes(digest));
