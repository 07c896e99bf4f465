/**
 * Canonical JSON: the one byte form that is signed, sealed and digested.
 * RFC 8785 restricted to what we sign: safe integers instead of floats, no lone surrogates, no undefined.
 */
import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const canonicalNumber = (value: number): string => {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new TypeError('canonical JSON holds safe integers only');
  return String(value);
};

const canonicalString = (value: string): string => {
  if (!value.isWellFormed()) throw new TypeError('canonical JSON holds no lone surrogate');
  return JSON.stringify(value);
};

const canonicalObject = (value: { readonly [key: string]: Json | undefined }): string => {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${canonicalString(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
};

/**
 * Keys sorted by UTF-16 code units (RFC 8785 §3.2.3), no white space; members that are undefined are left out.
 * @throws TypeError for floats, -0, unsafe integers and lone surrogates.
 */
export const canonicalJson = (value: Json): string => {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return canonicalObject(value as { readonly [key: string]: Json });
};

/** Lower-case hexadecimal SHA-256 (FIPS 180-4) of the bytes, or of the UTF-8 of a text. */
export const sha256Hex = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Digest of a value: SHA-256 of its canonical JSON, lower-case hexadecimal. */
export const digestOf = (value: Json): string => sha256Hex(canonicalJson(value));

/** Intent hash (interfaces.md): SHA-256 of the NFC-normalised UTF-8 text, lower-case hexadecimal. */
export const intentHash = (intent: string): string => sha256Hex(intent.normalize('NFC'));
