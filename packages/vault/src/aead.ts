/**
 * AES-256-GCM (NIST SP 800-38D) in the one shape the vault stores: nonce (12) ‖ ciphertext ‖ tag (16).
 *
 * VAULT-4  the tag is 16 bytes, always; nothing is returned before it has been checked.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { type RandomSource, unreadable } from './keys.js';

/** SP 800-38D §8.2: the length for which GCM needs no hashing of the nonce. */
export const NONCE_BYTES = 12;
/** SP 800-38D §5.2.1.2: the full length; 4-byte tags would be forged in 2^32 tries. */
export const TAG_BYTES = 16;
const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** nonce ‖ ciphertext ‖ tag. */
export const sealBytes = (key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array, random: RandomSource): Buffer => {
  const nonce = random(NONCE_BYTES);
  if (nonce.length !== NONCE_BYTES) throw unreadable('a nonce has the wrong length');
  return Buffer.concat([nonce, gcm(key, nonce, aad).encrypt(plaintext)]);
};

/**
 * @param length of the plaintext where it is fixed; another one is refused before any cryptography.
 * @throws AirlockError VAULT_UNREADABLE, the same for every cause.
 */
export const openBytes = (key: Uint8Array, sealed: Uint8Array, aad: Uint8Array, length?: number): Uint8Array => {
  const size = sealed.length - OVERHEAD_BYTES;
  if (size < 0 || (length !== undefined && size !== length)) throw unreadable('a sealed value has the wrong length');
  try {
    return gcm(key, sealed.subarray(0, NONCE_BYTES), aad).decrypt(sealed.subarray(NONCE_BYTES));
  } catch {
    throw unreadable('a sealed value does not open with this key');
  }
};
