/**
 * Minting, reading and narrowing leases (docs/spec/lease.md).
 *
 * LEASE-5  narrowing needs no key and no network, and what it yields verifies under the same key.
 */
import { randomBytes } from 'node:crypto';
import { AirlockError, encodeBase64url, type Json, parseScope } from '@airlock/protocol';
import { decodePart, encodePart } from './canonical.js';
import { type Caveat, caveatJson, isCaveat } from './caveat.js';
import { hmac, invalid, LEASE_PREFIX, type LeaseParts, MAX_CAVEATS, MAX_LEASE_CHARS, splitLease } from './chain.js';
import { effectiveLease } from './effective.js';
import type { LeaseKey } from './key.js';
import { type LeasePayload, payloadProblem } from './payload.js';
import { covers } from './scopes.js';

/** A lease as it reads; nothing of it is proven before `verifyLease`. */
export interface ParsedLease {
  readonly payload: LeasePayload;
  readonly caveats: readonly Caveat[];
  /** The last tag, base64url: whoever has it holds the lease. */
  readonly tag: string;
}

/** Payload and caveats of a split lease. @throws AirlockError LEASE_INVALID */
export const decodeParts = (parts: LeaseParts): { readonly payload: LeasePayload; readonly caveats: readonly Caveat[] } => {
  const payload: unknown = decodePart(parts.payload);
  if (payloadProblem(payload) !== null) throw invalid('the payload of the lease is malformed');
  const caveats = parts.caveats.map((part): unknown => decodePart(part));
  if (!caveats.every(isCaveat)) throw invalid('a caveat of the lease is unknown or malformed');
  return { payload: payload as LeasePayload, caveats };
};

/** A fresh lease id: 127 random bits, base64url. It never begins with `-`: `revoke ID` would read it as an option. */
export const newLeaseId = (random: (length: number) => Uint8Array = randomBytes): string => {
  const bytes = Buffer.from(random(16));
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return encodeBase64url(bytes);
};

/**
 * The text `al1.<payload>.<tag>`.
 * @throws AirlockError INTERNAL naming the member of the payload that is out of form (`field`): a defect of the minter.
 */
export const mintLease = (key: LeaseKey, payload: LeasePayload): string => {
  const problem = payloadProblem(payload);
  if (problem !== null) throw new AirlockError('INTERNAL', 'a lease cannot be minted from this payload', { field: problem });
  const encoded = encodePart(payload as unknown as Json);
  const text = `${LEASE_PREFIX}.${encoded}.${encodeBase64url(hmac(key, encoded))}`;
  if (text.length > MAX_LEASE_CHARS)
    throw new AirlockError('INTERNAL', 'a lease would be longer than 8 KiB', { field: 'constraints' });
  return text;
};

/** Reads without a key: for display and for finding the session, never for a decision. @throws AirlockError LEASE_INVALID */
export const parseLease = (text: string): ParsedLease => {
  const parts = splitLease(text);
  return { ...decodeParts(parts), tag: encodeBase64url(parts.tag) };
};

const refuseCaveat = (message: string, field: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, {
    field,
    expected,
    hint: 'a lease can only be narrowed; ask for a new one to get more',
  });

/** A wider caveat would be harmless, as verifying intersects; refused so that its holder is not misled. */
const checkNarrows = (lease: ParsedLease, [kind, argument]: Caveat): void => {
  const { scopes, expiresMs } = effectiveLease(lease.payload, lease.caveats);
  if (kind === 'scopes' && !argument.every((scope) => covers(scopes, parseScope(scope))))
    throw refuseCaveat('a scope is not part of the lease', 'scope', scopes.join(' '));
  if (kind === 'expires' && argument > expiresMs) throw refuseCaveat('the lease ends earlier', 'expires', `at most ${expiresMs}`);
};

/**
 * Appends a caveat offline; budgets count the calls of the result and of all narrowed from it together.
 * @throws AirlockError LEASE_INVALID for a text that is no lease; PARAMS_INVALID for a caveat that is malformed, does not narrow,
 *   or no longer fits (16 caveats, 8 KiB).
 */
export const narrowLease = (text: string, caveat: Caveat): string => {
  const lease = parseLease(text);
  if (!isCaveat(caveat))
    throw refuseCaveat('a caveat is unknown or malformed', 'caveat', 'scopes, expires, budget or constraints');
  checkNarrows(lease, caveat);
  if (lease.caveats.length >= MAX_CAVEATS)
    throw refuseCaveat('the lease has 16 caveats already', 'caveat', `at most ${MAX_CAVEATS}`);
  const part = encodePart(caveatJson(caveat));
  const tag = hmac(splitLease(text).tag, part);
  const narrowed = `${text.slice(0, text.lastIndexOf('.'))}.${part}.${encodeBase64url(tag)}`;
  if (narrowed.length > MAX_LEASE_CHARS) throw refuseCaveat('the lease would be longer than 8 KiB', 'caveat', 'a shorter caveat');
  return narrowed;
};
