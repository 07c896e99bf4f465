/**
 * Verifying a lease against the facts of a call (docs/spec/lease.md).
 *
 * LEASE-11  the signature is checked before a byte of the payload is decoded; then role, session, boot, ends, intent, in this order.
 * LEASE-13  a lease ends at the earlier of wall clock and boot clock; another boot ends it whatever the clocks say.
 * LEASE-14  a lease serves its own session and, where it was given for an intent, that intent only.
 * LEASE-15  what may be kept from one call to the next is what follows from key and text alone; the facts are checked at every call.
 */
import { AirlockError, type Scope, type ScopeClass } from '@airlock/protocol';
import type { Caveat } from './caveat.js';
import { chainTags, invalid, isSameTag, splitLease, tagDigest } from './chain.js';
import { type EffectiveLease, effectiveLease } from './effective.js';
import type { LeaseKey } from './key.js';
import { decodeParts } from './lease.js';
import type { LeasePayload } from './payload.js';
import { covers } from './scopes.js';

/** What the verifier knows of the call; nothing of it comes from the lease. */
export interface LeaseFacts {
  readonly nowMs: number;
  readonly bootMs: number;
  readonly bootId: string;
  readonly role: string;
  readonly session: string;
  /** `intentHash` of the intent sent with the call, or null. */
  readonly intentHash: string | null;
}

/** A limit and the position it counts at. */
export interface LeaseBudget {
  /** SHA-256 (base64url) of the tag at that position; never the tag, which could be narrowed anew (LEASE-10). */
  readonly tag: string;
  readonly calls: number | null;
  readonly bytes: number | null;
}

export interface VerifiedLease {
  readonly payload: LeasePayload;
  readonly effective: EffectiveLease;
  /** Every one of them has to have room for a call. */
  readonly budgets: readonly LeaseBudget[];
  /** SHA-256 (base64url) of the tag the lease was issued with. */
  readonly issuedTag: string;
  /** True where no caveat was appended: only such a lease can be released. */
  readonly asIssued: boolean;
}

const expired = (message: string): AirlockError => new AirlockError('LEASE_EXPIRED', message);

const checkFacts = (payload: LeasePayload, effective: EffectiveLease, facts: LeaseFacts): void => {
  if (payload.role !== facts.role) throw invalid('the lease is of another role');
  if (payload.session !== facts.session) throw new AirlockError('LEASE_SESSION', 'the lease is of another session');
  if (payload.bootId !== facts.bootId) throw expired('the lease ended with a restart of the machine');
  if (facts.bootMs >= effective.bootDeadlineMs || facts.nowMs >= effective.expiresMs) throw expired('the lease has ended');
  if (payload.intent !== null && payload.intent !== facts.intentHash)
    throw new AirlockError(
      'LEASE_INTENT',
      facts.intentHash === null ? 'the intent is missing' : 'the lease is for another intent',
    );
};

const budgetsOf = (payload: LeasePayload, caveats: readonly Caveat[], tags: readonly Buffer[]): LeaseBudget[] => {
  const limits = [payload.budget, ...caveats.map(([kind, argument]) => (kind === 'budget' ? argument : null))];
  return tags.flatMap((tag, position) => {
    const limit: { readonly calls?: number; readonly bytes?: number } | null | undefined = limits[position];
    return limit ? [{ tag: tagDigest(tag), calls: limit.calls ?? null, bytes: limit.bytes ?? null }] : [];
  });
};

/** A lease whose signature and form hold, and nothing else: no fact of a call has been looked at. */
export interface SignedLease {
  /** Only `checkLease` may hand it on. */
  readonly unchecked: VerifiedLease;
}

/** LEASE-15: it may be kept and handed to many calls, so none of them may change it. */
const freezeDeep = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(freezeDeep);
  return value;
};

/**
 * Signature, then form (LEASE-11): a pure function of key and text.
 * @throws AirlockError LEASE_INVALID
 */
export const openLease = (key: LeaseKey, text: string): SignedLease => {
  const parts = splitLease(text);
  const tags = chainTags(key, parts.payload, parts.caveats);
  const [issued, last] = [tags[0], tags.at(-1)];
  if (issued === undefined || last === undefined || !isSameTag(last, parts.tag))
    throw invalid('the lease is not one of this Airlock');
  const { payload, caveats } = decodeParts(parts);
  const unchecked: VerifiedLease = {
    payload: freezeDeep(payload),
    effective: freezeDeep(effectiveLease(payload, caveats)),
    budgets: freezeDeep(budgetsOf(payload, caveats, tags)),
    get issuedTag() {
      return tagDigest(issued);
    },
    asIssued: caveats.length === 0,
  };
  return Object.freeze({ unchecked: Object.freeze(unchecked) });
};

/** LEASE-13, LEASE-14. @throws AirlockError LEASE_INVALID (other role), LEASE_SESSION, LEASE_EXPIRED, LEASE_INTENT. */
export const checkLease = ({ unchecked }: SignedLease, facts: LeaseFacts): VerifiedLease => {
  checkFacts(unchecked.payload, unchecked.effective, facts);
  return unchecked;
};

/**
 * Pure: no clock, no register. Whether the lease was revoked is the register's answer, not this one's.
 * @throws AirlockError LEASE_INVALID (form, signature, other role), LEASE_SESSION, LEASE_EXPIRED, LEASE_INTENT.
 */
export const verifyLease = (key: LeaseKey, text: string, facts: LeaseFacts): VerifiedLease =>
  checkLease(openLease(key, text), facts);

/** @throws AirlockError LEASE_SCOPE where no scope of the lease covers the operation. */
export const checkScope = (verified: VerifiedLease, service: string, scopeClass: ScopeClass, operation: string): void => {
  const wanted: Scope = { service, class: scopeClass, operation };
  if (covers(verified.effective.scopes, wanted)) return;
  throw new AirlockError('LEASE_SCOPE', 'the lease does not cover this operation', {
    expected: `${service}:${scopeClass}`,
    found: verified.effective.scopes.join(' '),
    hint: `ask for it: access.request, or airlock request ${service}:${scopeClass}:${operation} --reason TEXT --wait`,
  });
};
