/**
 * Decoding of one part: base64url, UTF-8, JSON, each refused unless it is exactly what the encoder writes.
 *
 * LEASE-2  padded base64, other white space, key order or escapes, invalid UTF-8 and duplicate keys are refused, not repaired.
 */
import { isUtf8 } from 'node:buffer';
import { canonicalJson, decodeBase64url, encodeBase64url, type Json } from '@airlock/protocol';
import { invalid } from './chain.js';

/** Base64url of the canonical JSON. */
export const encodePart = (value: Json): string => encodeBase64url(Buffer.from(canonicalJson(value), 'utf8'));

const parseJson = (text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw invalid('a part of the lease is not JSON');
  }
};

const rewrite = (value: Json): string | null => {
  try {
    return canonicalJson(value);
  } catch {
    return null;
  }
};

/** @throws AirlockError LEASE_INVALID (LEASE-2) */
export const decodePart = (part: string): Json => {
  const bytes = decodeBase64url(part);
  if (bytes === null || !isUtf8(bytes)) throw invalid('a part of the lease is not base64url of UTF-8');
  const text = bytes.toString('utf8');
  const value = parseJson(text);
  if (rewrite(value) !== text) throw invalid('a part of the lease is not canonical');
  return value;
};
