/**
 * Text form and HMAC chain: tag₀ = HMAC(key, payload), tagᵢ = HMAC(tagᵢ₋₁, caveatᵢ), over the encoded texts.
 *
 * LEASE-1  a text is `al1.` payload, at most 16 caveats and a tag, joined by dots, at most 8 KiB; anything else is refused.
 * LEASE-2  parts are base64url without padding or stray bits; a part that is not what the encoder writes is refused.
 * LEASE-4  every change of a byte, and every caveat removed, moved or put in before the end, breaks the tag.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AirlockError, decodeBase64url } from '@airlock/protocol';

export const LEASE_PREFIX = 'al1';
/** 8 KiB: a lease travels in every call; 16 caveats with 64 scopes each still fit. */
export const MAX_LEASE_CHARS = 8192;
/** A chain of sub-agents this long is an accident; each caveat costs every call one HMAC. */
export const MAX_CAVEATS = 16;
const TAG_BYTES = 32;

/** Coarse on purpose: which check a forged lease failed helps only its forger. */
export const invalid = (message: string): AirlockError => new AirlockError('LEASE_INVALID', message);

/** A lease split at its dots; nothing is decoded but the tag. */
export interface LeaseParts {
  readonly payload: string;
  readonly caveats: readonly string[];
  readonly tag: Buffer;
}

/** @throws AirlockError LEASE_INVALID (LEASE-1) */
export const splitLease = (text: string): LeaseParts => {
  if (text.length > MAX_LEASE_CHARS) throw invalid('the lease is longer than 8 KiB');
  const [prefix, payload, ...rest] = text.split('.', MAX_CAVEATS + 4);
  const tagText = rest.pop();
  if (prefix !== LEASE_PREFIX || payload === undefined || tagText === undefined) throw invalid('the text is not a lease');
  if (rest.length > MAX_CAVEATS) throw invalid('the lease has more than 16 caveats');
  const tag = decodeBase64url(tagText);
  if (tag?.length !== TAG_BYTES) throw invalid('the tag of the lease is malformed');
  return { payload, caveats: rest, tag };
};

/** RFC 2104 with SHA-256; a text counts as its UTF-8. */
export const hmac = (key: Uint8Array, data: string | Uint8Array): Buffer => createHmac('sha256', key).update(data).digest();

/** The tag of every position: index 0 the payload's, index i that of caveat i. */
export const chainTags = (key: Uint8Array, payload: string, caveats: readonly string[]): Buffer[] => {
  let tag = hmac(key, payload);
  return [tag, ...caveats.map((caveat) => (tag = hmac(tag, caveat)))];
};

/** Compares in constant time; the lengths are public. */
export const isSameTag = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Names a tag where it is stored: the tag itself is the key to every lease narrowed from it (LEASE-10). */
export const tagDigest = (tag: Uint8Array): string => createHash('sha256').update(tag).digest('base64url');
