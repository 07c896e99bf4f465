/**
 * Canonical JSON: the one byte form that is signed, sealed and digested.
 * RFC 8785 restricted to what we sign: safe integers instead of floats, no lone surrogates, no undefined.
 * What a service is called with may hold fractions; only its digest and the queue that shows it take them.
 */
import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

type NumberText = (value: number) => string;

const safeInteger: NumberText = (value) => {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new TypeError('canonical JSON holds safe integers only');
  return String(value);
};

/** RFC 8785 §3.2.2.3: as ECMAScript writes them, which reads back to the same number. */
const anyNumber: NumberText = (value) => {
  if (!Number.isFinite(value) || Object.is(value, -0)) throw new TypeError('canonical JSON holds finite numbers only');
  return String(value);
};

const canonicalString = (value: string): string => {
  if (!value.isWellFormed()) throw new TypeError('canonical JSON holds no lone surrogate');
  return JSON.stringify(value);
};

const canonicalObject = (value: { readonly [key: string]: Json | undefined }, numberText: NumberText): string => {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${canonicalString(key)}:${canonical(member, numberText)}`);
  }
  return `{${members.join(',')}}`;
};

const canonical = (value: Json, numberText: NumberText): string => {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => canonical(item, numberText)).join(',')}]`;
  return canonicalObject(value as { readonly [key: string]: Json }, numberText);
};

/**
 * Keys sorted by UTF-16 code units (RFC 8785 §3.2.3), no white space; members that are undefined are left out.
 * @throws TypeError for floats, -0, unsafe integers and lone surrogates.
 */
export const canonicalJson = (value: Json): string => canonical(value, safeInteger);

/** The same where fractions may stand too. @throws TypeError for -0, what is not finite, and lone surrogates. */
export const canonicalWithFractions = (value: Json): string => canonical(value, anyNumber);

/** Lower-case hexadecimal SHA-256 (FIPS 180-4) of the bytes, or of the UTF-8 of a text. */
export const sha256Hex = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Digest of a value: SHA-256 of its canonical JSON, lower-case hexadecimal. */
export const digestOf = (value: Json): string => sha256Hex(canonicalJson(value));

/** Digest of one operation with its parameters (docs/spec/approval.md). @throws TypeError as canonicalWithFractions */
export const operationDigest = (call: { readonly operation: string; readonly params: Json; readonly service: string }): string =>
  sha256Hex(canonicalWithFractions({ operation: call.operation, params: call.params, service: call.service }));

/** Intent hash (interfaces.md): SHA-256 of the NFC-normalised UTF-8 text, lower-case hexadecimal. */
export const intentHash = (intent: string): string => sha256Hex(intent.normalize('NFC'));
