/**
 * Codes by RFC 6238 (HMAC-SHA-1, as phones have it), computed by otplib.
 *
 * CODE-1  a code is digits of the configured length, checked before anything is computed.
 * CODE-2  every acceptable step is computed and compared in constant time, whether or not an earlier one matched.
 * CODE-3  the secret and the codes never leave this file but as a step number.
 */
import { timingSafeEqual } from 'node:crypto';
import { generateSync } from 'otplib/functional';

export interface CodeSettings {
  /** RFC 4226 §5.3: 6 to 8. */
  readonly digits: 6 | 7 | 8;
  /** Seconds; RFC 6238 §4.1 `X`. */
  readonly periodS: number;
}

/** RFC 6238 §4.2: T = floor((unix time - T0) / X), T0 = 0. */
export const stepAt = (wallMs: number, periodS: number): number => Math.max(0, Math.floor(wallMs / 1000 / periodS));

/** The code of one step: HOTP (RFC 4226 §5) with the step as counter. For tests and for drift; not for comparing. */
export const codeOfStep = (secret: Uint8Array, step: number, digits: 6 | 7 | 8): string =>
  generateSync({ strategy: 'hotp', secret, counter: step, digits, algorithm: 'sha1' });

const isCode = (code: string, digits: number): boolean => code.length === digits && /^[0-9]+$/.test(code);

/** The lowest of `steps` that the code belongs to, or null. */
export const findStep = (secret: Uint8Array, code: string, steps: readonly number[], settings: CodeSettings): number | null => {
  if (!isCode(code, settings.digits)) return null;
  const given = Buffer.from(code, 'latin1');
  let found: number | null = null;
  for (const step of steps) {
    const isEqual = timingSafeEqual(given, Buffer.from(codeOfStep(secret, step, settings.digits), 'latin1'));
    if (isEqual && found === null) found = step;
  }
  return found;
};
