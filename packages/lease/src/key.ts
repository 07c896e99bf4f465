/**
 * The lease key: derived per boot, so that no lease outlives one (docs/spec/lease.md).
 *
 * LEASE-12  another boot id or generation gives another key; no lease of an earlier one verifies.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { AirlockError, encodeBase64url } from '@airlock/protocol';

declare const brand: unique symbol;
/** 32 bytes that mint and verify; airlock-totp derives them, the gateway holds them to verify with. */
export type LeaseKey = Buffer & { readonly [brand]: 'LeaseKey' };

/** RFC 2104 §3: as long as the hash. */
export const LEASE_KEY_BYTES = 32;
const KID_BYTES = 9;
const NO_SALT = new Uint8Array(0);
const BOOT_ID = /^[A-Za-z0-9-]{1,64}$/;

/** @throws AirlockError INTERNAL for another length than 32: a defect, never a caller's mistake. */
export const asLeaseKey = (bytes: Uint8Array): LeaseKey => {
  if (bytes.length !== LEASE_KEY_BYTES) throw new AirlockError('INTERNAL', 'a lease key has the wrong length');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as LeaseKey;
};

/** Boot ids as systemd's %b writes them, and those of the development launcher. */
export const isBootId = (value: unknown): value is string => typeof value === 'string' && BOOT_ID.test(value);

const kidOf = (key: Uint8Array): string =>
  encodeBase64url(createHash('sha256').update('airlock/v1/lease-kid/').update(key).digest().subarray(0, KID_BYTES));

/**
 * HKDF-SHA-256 (RFC 5869), no salt, info = `airlock/v1/lease/BOOTID/GENERATION`, 32 bytes.
 * `kid` names the key in payloads (12 characters) and gives nothing of it away.
 * @param rootKey 32 random bytes of airlock-totp; @param generation counts key changes within a boot, from 0.
 * @throws AirlockError INTERNAL for a root of another length or a malformed boot id.
 */
export const deriveLeaseKey = (
  rootKey: Uint8Array,
  bootId: string,
  generation: number,
): { readonly kid: string; readonly key: LeaseKey } => {
  if (rootKey.length !== LEASE_KEY_BYTES || !isBootId(bootId) || !Number.isSafeInteger(generation) || generation < 0)
    throw new AirlockError('INTERNAL', 'a lease key cannot be derived from this');
  const key = asLeaseKey(
    new Uint8Array(hkdfSync('sha256', rootKey, NO_SALT, `airlock/v1/lease/${bootId}/${generation}`, LEASE_KEY_BYTES)),
  );
  return { kid: kidOf(key), key };
};
