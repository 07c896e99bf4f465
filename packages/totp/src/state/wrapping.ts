/**
 * Secrets at rest, sealed under the wrapping key W (docs/spec/vault.md). The name of the file is authenticated, so
 * that one sealed file cannot stand in for another.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { asWrappingKey, openBlob, sealBlob } from '@airlock/vault';
import { corrupted, type StateDirectory } from './directory.js';

export const WRAP_KEY_BYTES = 32;
const FILE = 'wrap.key';
const CREDENTIAL = 'airlock-wrap';

const purposeOf = (name: string): string => `totp/state/${name}`;

/** @param key W, 32 bytes */
export const wrapBytes = (key: Uint8Array, name: string, plain: Uint8Array): Buffer =>
  sealBlob({ key: asWrappingKey(key), purpose: purposeOf(name), plaintext: plain });

/** @returns the bytes, or null where key, name or content do not fit. */
export const unwrapBytes = (key: Uint8Array, name: string, sealed: Buffer): Buffer | null => {
  try {
    const plain = openBlob({ key: asWrappingKey(key), purpose: purposeOf(name), sealed });
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  } catch {
    return null;
  }
};

/** What systemd unsealed for us, or null where it did not. */
const readCredential = (credentialsDirectory: string | undefined): Buffer | null => {
  if (credentialsDirectory === undefined) return null;
  try {
    return readFileSync(`${credentialsDirectory}/${CREDENTIAL}`);
  } catch {
    return null;
  }
};

/**
 * W: from systemd's credentials where it provides it, else `wrap.key` in the state directory, made on first start.
 * @throws AirlockError VAULT_UNREADABLE
 */
export const openWrappingKey = (directory: StateDirectory, credentialsDirectory: string | undefined): Buffer => {
  const credential = readCredential(credentialsDirectory);
  const key = credential ?? directory.read(FILE);
  if (key === null) {
    const fresh = randomBytes(WRAP_KEY_BYTES);
    directory.write(FILE, fresh);
    return fresh;
  }
  if (key.length !== WRAP_KEY_BYTES)
    throw corrupted(directory, credential ? CREDENTIAL : FILE, `has ${key.length} bytes, expected ${WRAP_KEY_BYTES}`);
  return key;
};
