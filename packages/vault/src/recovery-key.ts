/**
 * The printed recovery key of a backup: 160 random bits as eight groups of five characters, four of base32 (RFC 4648 §6) and
 * one that checks them (docs/spec/backup.md).
 *
 * BACKUP-2  a mistyped character, two swapped ones and two swapped groups are found, and the group is named.
 */
import { AirlockError } from '@airlock/protocol';
import type { RandomSource } from './keys.js';
import { systemRandom } from './keys.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
export const RECOVERY_KEY_BYTES = 20;
export const RECOVERY_KEY_GROUPS = 8;
const DATA_CHARS = 4;
const GROUP_CHARS = DATA_CHARS + 1;
const BITS = 5;
/** x⁵ + x² + 1, primitive over GF(2): its powers of x are all 31 elements. */
const POLYNOMIAL = 0b100101;

/** Times x in GF(32). */
const timesX = (value: number): number => (((value << 1) & 32) === 0 ? value << 1 : (value << 1) ^ POLYNOMIAL);

/** Σ xⁱ⁺¹·cᵢ over four characters, with the number of the group as the fifth, so that one change, or one swap, changes it. */
const checkOf = (values: readonly number[], group: number): number =>
  [...values, group].reduceRight((sum, value) => timesX(sum ^ value), 0);

/** The eight groups of a key. */
export const recoveryKeyGroups = (key: Uint8Array): readonly string[] => {
  const bits = Array.from(key, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const values = Array.from({ length: bits.length / BITS }, (_, n) => parseInt(bits.slice(n * BITS, n * BITS + BITS), 2));
  return Array.from({ length: RECOVERY_KEY_GROUPS }, (_, group) => {
    const data = values.slice(group * DATA_CHARS, group * DATA_CHARS + DATA_CHARS);
    return [...data, checkOf(data, group)].map((value) => ALPHABET.charAt(value)).join('');
  });
};

/** A fresh key. */
export const newRecoveryKey = (random: RandomSource = systemRandom): Buffer => Buffer.from(random(RECOVERY_KEY_BYTES));

const wrong = (found: string, expected: string, message: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, {
    field: 'recovery key',
    expected,
    found,
    hint: 'read it again from the paper; it was printed when the backup was made',
  });

const FORM = 'eight groups of five letters and digits 2 to 7';

const lettersOf = (text: string): string => {
  const letters = text.replace(/[\s-]/g, '').toUpperCase();
  if (letters.length === 16 && /^[A-Z2-7]+$/.test(letters))
    throw wrong('16 characters', FORM, 'that looks like a recovery code: it enrols a new phone and decrypts nothing');
  if (letters.length !== RECOVERY_KEY_GROUPS * GROUP_CHARS)
    throw wrong(`${letters.length} characters`, FORM, `the recovery key has ${RECOVERY_KEY_GROUPS * GROUP_CHARS} characters`);
  return letters;
};

/** Reads what people copy: lower case, spaces and hyphens as they come. @throws AirlockError PARAMS_INVALID naming the group */
export const parseRecoveryKey = (text: string): Buffer => {
  const letters = lettersOf(text);
  let bits = '';
  for (let group = 0; group < RECOVERY_KEY_GROUPS; group += 1) {
    const chars = letters.slice(group * GROUP_CHARS, group * GROUP_CHARS + GROUP_CHARS);
    const values = Array.from(chars, (one) => ALPHABET.indexOf(one));
    const data = values.slice(0, DATA_CHARS);
    if (values.includes(-1) || checkOf(data, group) !== values[DATA_CHARS])
      throw wrong(`a mistake in group ${group + 1}`, FORM, `group ${group + 1} of the recovery key is mistyped`);
    bits += data.map((value) => value.toString(2).padStart(BITS, '0')).join('');
  }
  return Buffer.from(Array.from({ length: RECOVERY_KEY_BYTES }, (_, n) => parseInt(bits.slice(n * 8, n * 8 + 8), 2)));
};
