/** The URI that a QR code carries to the phone: Key Uri Format of Google Authenticator. */
import { encodeBase32 } from './base32.js';
import type { CodeSettings } from './totp.js';

/** encodeURIComponent leaves `!'()*` as they are; some readers do not. */
const encodePart = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * `otpauth://totp/ISSUER:ACCOUNT?secret=…`. Each part is encoded by itself, so that a colon in a name does not
 * become the one that separates them.
 */
export const otpauthUri = (issuer: string, account: string, secret: Uint8Array, { digits, periodS }: CodeSettings): string =>
  `otpauth://totp/${encodePart(issuer)}:${encodePart(account)}?secret=${encodeBase32(secret)}&issuer=${encodePart(issuer)}` +
  `&algorithm=SHA1&digits=${digits}&period=${periodS}`;
