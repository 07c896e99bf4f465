/**
 * Secrets of the vault as types of their own, and the derivation of key-encrypting keys (docs/spec/vault.md).
 *
 * VAULT-1  a KEK comes from S and R together; neither alone opens anything.
 * VAULT-2  a KEK is bound to vault, owner, service and epoch; the names cannot run into each other.
 * VAULT-8  key material we copied is overwritten with zeros before the function returns.
 */
import { randomBytes } from 'node:crypto';
import { AirlockError } from '@airlock/protocol';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { isEpoch, isOwner, isServiceName, isVaultId } from './names.js';

declare const brand: unique symbol;
type Secret<Name extends string> = Uint8Array & { readonly [brand]: Name };

/** S: the secret shared with the phone, 16 to 64 bytes (RFC 4226 §4 R6: 16 at least). */
export type TotpSecret = Secret<'TotpSecret'>;
/** R: 32 random bytes that never leave airlock-totp. */
export type VaultRoot = Secret<'VaultRoot'>;
/** Key-encrypting key of one (owner, service, epoch), 32 bytes; never leaves airlock-totp. */
export type Kek = Secret<'Kek'>;
/** Data key of one written record, 32 bytes, drawn anew for every write. */
export type Dek = Secret<'Dek'>;
/** W: what the machine seals, 32 bytes; wraps the state of airlock-totp. */
export type WrappingKey = Secret<'WrappingKey'>;

/** Draws random bytes; a parameter wherever a test needs fixed ones. */
export type RandomSource = (length: number) => Uint8Array;
export const systemRandom: RandomSource = (length) => randomBytes(length);

export const KEY_BYTES = 32;
export const MIN_TOTP_SECRET_BYTES = 16;
export const MAX_TOTP_SECRET_BYTES = 64;

/** The one error of this package: says that something cannot be opened, never why in terms of a secret. */
export const unreadable = (message: string): AirlockError => new AirlockError('VAULT_UNREADABLE', message);

const checkLength = (bytes: Uint8Array, min: number, max: number, name: string): Uint8Array => {
  if (bytes.length < min || bytes.length > max) throw unreadable(`${name} has the wrong length`);
  return bytes;
};

/** No copy is made by these five; the caller still owns, and wipes, the bytes. @throws AirlockError VAULT_UNREADABLE */
export const asTotpSecret = (bytes: Uint8Array): TotpSecret =>
  checkLength(bytes, MIN_TOTP_SECRET_BYTES, MAX_TOTP_SECRET_BYTES, 'the TOTP secret') as TotpSecret;
/** 32 bytes. @throws AirlockError VAULT_UNREADABLE */
export const asVaultRoot = (bytes: Uint8Array): VaultRoot =>
  checkLength(bytes, KEY_BYTES, KEY_BYTES, 'the vault root') as VaultRoot;
/** 32 bytes. @throws AirlockError VAULT_UNREADABLE */
export const asKek = (bytes: Uint8Array): Kek => checkLength(bytes, KEY_BYTES, KEY_BYTES, 'a key-encrypting key') as Kek;
/** 32 bytes. @throws AirlockError VAULT_UNREADABLE */
export const asDek = (bytes: Uint8Array): Dek => checkLength(bytes, KEY_BYTES, KEY_BYTES, 'a record key') as Dek;
/** 32 bytes. @throws AirlockError VAULT_UNREADABLE */
export const asWrappingKey = (bytes: Uint8Array): WrappingKey =>
  checkLength(bytes, KEY_BYTES, KEY_BYTES, 'the wrapping key') as WrappingKey;

/** A fresh data key: one for every write (VAULT-3). */
export const newDek = (random: RandomSource = systemRandom): Dek => asDek(random(KEY_BYTES));
/** A fresh vault root. */
export const newVaultRoot = (random: RandomSource = systemRandom): VaultRoot => asVaultRoot(random(KEY_BYTES));
/** A fresh vault id: 16 random bytes as base64url, no secret. */
export const newVaultId = (random: RandomSource = systemRandom): string => Buffer.from(random(16)).toString('base64url');

/** Overwrites key material; what V8 copied before is beyond our reach, hence the short-lived cell. */
export const wipe = (...buffers: readonly Uint8Array[]): void => {
  for (const buffer of buffers) buffer.fill(0);
};

export interface KekSource {
  readonly totpSecret: TotpSecret;
  readonly root: VaultRoot;
  readonly vaultId: string;
  /** Operator name. */
  readonly owner: string;
  readonly service: string;
  /** Counts enrolments; a safe integer from 0. */
  readonly epoch: number;
}

/**
 * HKDF-SHA-256 (RFC 5869), ikm = S ‖ R, salt = vault id, info = `airlock/v1/kek/OWNER/SERVICE/EPOCH`, 32 bytes.
 * R has a fixed length, so S ‖ R has one reading; no name holds a slash.
 * @throws AirlockError VAULT_UNREADABLE for a secret of wrong length or a malformed name.
 */
export const deriveKek = ({ totpSecret, root, vaultId, owner, service, epoch }: KekSource): Kek => {
  if (!isVaultId(vaultId) || !isOwner(owner) || !isServiceName(service) || !isEpoch(epoch))
    throw unreadable('a key cannot be named');
  const secret = asTotpSecret(totpSecret);
  const ikm = new Uint8Array(secret.length + asVaultRoot(root).length);
  ikm.set(secret);
  ikm.set(root, secret.length);
  try {
    const info = Buffer.from(`airlock/v1/kek/${owner}/${service}/${epoch}`, 'utf8');
    return asKek(hkdf(sha256, ikm, Buffer.from(vaultId, 'utf8'), info, KEY_BYTES));
  } finally {
    wipe(ikm);
  }
};
