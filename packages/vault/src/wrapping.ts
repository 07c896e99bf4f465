/**
 * Opaque blobs under the wrapping key W: the state of airlock-totp at rest (docs/spec/vault.md).
 *
 * VAULT-10  a blob opens only for the purpose it was sealed for; state of one kind cannot be put in the place of another.
 */
import { openBytes, sealBytes } from './aead.js';
import { asWrappingKey, type RandomSource, systemRandom, unreadable, type WrappingKey } from './keys.js';

const PURPOSE = /^[a-z0-9][a-z0-9./_-]{0,127}$/;

const purposeAad = (purpose: string): Buffer => {
  if (!PURPOSE.test(purpose)) throw unreadable('a purpose is malformed');
  return Buffer.from(purpose, 'utf8');
};

export interface SealBlobInput {
  readonly key: WrappingKey;
  /** For example `totp/state/default`: `[a-z0-9][a-z0-9./_-]{0,127}`; authenticated, not stored. */
  readonly purpose: string;
  readonly plaintext: Uint8Array;
  readonly random?: RandomSource;
}

/** nonce (12) ‖ ciphertext ‖ tag (16). Random nonces: up to 2^32 seals under one W (SP 800-38D §8.3). */
export const sealBlob = ({ key, purpose, plaintext, random = systemRandom }: SealBlobInput): Buffer =>
  sealBytes(asWrappingKey(key), plaintext, purposeAad(purpose), random);

/** @throws AirlockError VAULT_UNREADABLE for another key, purpose, or changed bytes. */
export const openBlob = ({
  key,
  purpose,
  sealed,
}: {
  readonly key: WrappingKey;
  readonly purpose: string;
  readonly sealed: Uint8Array;
}): Uint8Array => openBytes(asWrappingKey(key), sealed, purposeAad(purpose));
