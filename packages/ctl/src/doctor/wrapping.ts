/** What the wrapping key W is sealed with: the TPM, the key of the host, both, or nothing but the mode of a file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.js';
import { BEGIN_ANEW, keyDidNotOpen, notOpened } from '../unopened.js';
import { check, type Check } from './check.js';

export type SealedWith = 'tpm2+host' | 'tpm2' | 'host' | 'none' | 'unknown';

/** First 16 bytes of a credential of systemd-creds, hexadecimal: with what it was sealed (creds-util.h of systemd 250 to 257). */
const KINDS: Readonly<Record<string, SealedWith>> = {
  '5a1c6a86df9d4096b1d5a65e0862f19a': 'host',
  '0c7cc07b117645919c4b0bea08bc20fe': 'tpm2',
  faf7eb9341e3412ca1a436f95a29362f: 'tpm2',
  '93a894094874449090caf2fc93cab553': 'tpm2+host',
  af4950a849134eb1a73846304ff30c05: 'tpm2+host',
  '058469daf6f54324800549da0f8ea2fb': 'none',
};
const ID_BYTES = 16;

/** @param text base64, as systemd-creds writes it */
export const sealedWith = (text: string): SealedWith => {
  const id = Buffer.from(text, 'base64').subarray(0, ID_BYTES).toString('hex');
  return KINDS[id] ?? 'unknown';
};

const WORDS: Readonly<Record<SealedWith, string>> = {
  'tpm2+host': 'the TPM and the key of the host: neither disk nor TPM alone opens it',
  tpm2: 'the TPM: the disks alone open nothing',
  host: 'the key of the host, a file of root: both disks and that file open the vault',
  none: 'nothing: a file of airlock-totp, both disks together open the vault',
  unknown: 'something this release does not know',
};

const readCredential = (configDir: string): SealedWith => {
  try {
    return sealedWith(readFileSync(join(configDir, 'wrap.cred'), 'utf8'));
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'unknown';
  }
};

/** A machine without a TPM has none: no failure. Where it has one that is not used, it is said how to. */
const advice = (found: SealedWith, hasTpm: boolean): string =>
  hasTpm && (found === 'host' || found === 'none') ? '; this machine has a TPM: sudo ./install.sh --reseal tpm2+host' : '';

const TPM_DEVICE = '/dev/tpmrm0';

export interface WrappingFacts {
  readonly hasTpm: boolean;
  readonly didOpen: boolean;
}

/** A failure only where systemd could not open it: airlock-totp cannot start then. */
export const wrapping = (
  { configDir }: Pick<Context, 'configDir'>,
  { hasTpm, didOpen }: WrappingFacts = { hasTpm: existsSync(TPM_DEVICE), didOpen: !keyDidNotOpen() },
): Check => {
  const found = readCredential(configDir);
  const words = `${found}: sealed with ${WORDS[found]}`;
  if (!didOpen && found !== 'none')
    return check('wrapping key', false, `${words}; ${notOpened().message}`, 'the machine that sealed it', BEGIN_ANEW);
  return check('wrapping key', true, words + advice(found, hasTpm), 'tpm2+host, tpm2, host or none', '');
};
