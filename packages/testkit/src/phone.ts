/** The human's phone: codes of a secret at a time (RFC 6238, SHA-1), independent of what the product uses. */
import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 (RFC 4648 §6), padding optional. @throws RangeError for another character */
export const decodeBase32 = (text: string): Buffer => {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text.replace(/=+$/, '')) {
    const index = ALPHABET.indexOf(character);
    if (index < 0) throw new RangeError(`not base32: ${character}`);
    value = ((value << 5) | index) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
};

export interface PhoneOptions {
  readonly digits?: number;
  readonly periodS?: number;
}

/** The code of one time step: HOTP (RFC 4226 §5.3) with the step as counter. */
export const codeOfStep = (secret: Uint8Array, step: number, digits = 6): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, '0');
};

/** The code the phone shows at this wall time. */
export const codeAt = (base32: string, wallMs: number, { digits = 6, periodS = 30 }: PhoneOptions = {}): string =>
  codeOfStep(decodeBase32(base32), Math.floor(wallMs / 1000 / periodS), digits);
