/** Base64url without padding (RFC 4648 §5), strict: a text that is not what `encode` writes is refused. */

export const encodeBase64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

/** @returns the bytes, or null where the text is not canonical (padding, other alphabet, stray bits). */
export const decodeBase64url = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
};
