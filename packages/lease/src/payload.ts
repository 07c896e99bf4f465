/**
 * The payload of a lease: exactly these keys, each in its one form (docs/spec/lease.md).
 *
 * LEASE-3  a missing or further key, or a member out of form, makes the lease invalid.
 */
import { canonicalJson, decodeBase64url, type Json, NAME_PATTERN } from '@airlock/protocol';
import { canonicalConstraints, type LeaseConstraints } from './constraints.js';
import { isBootId } from './key.js';
import { isScopeList } from './scopes.js';

/** Limits counted over a lease and all that is narrowed from it. */
export interface LeaseBudgetLimits {
  readonly calls?: number;
  readonly bytes?: number;
}

export interface LeasePayload {
  readonly v: 1;
  /** 16 random bytes, base64url (22 characters). */
  readonly id: string;
  /** Id of the lease key (`deriveLeaseKey`). A name only: which key verifies is the verifier's choice. */
  readonly kid: string;
  readonly role: string;
  readonly session: string;
  /** `intentHash` of the approved intent, or null where none was given. */
  readonly intent: string | null;
  /** Canonical, sorted, unique, at least one. */
  readonly scopes: readonly string[];
  readonly constraints: LeaseConstraints;
  readonly issuedMs: number;
  readonly expiresMs: number;
  /** The same instant as `expiresMs` or an earlier one, on the boot clock of `bootId`. */
  readonly bootDeadlineMs: number;
  readonly bootId: string;
  readonly budget: LeaseBudgetLimits | null;
}

const name = new RegExp(NAME_PATTERN);
const kid = /^[A-Za-z0-9_-]{1,64}$/;
const session = /^[A-Za-z0-9_-]{1,86}$/;
const digest = /^[0-9a-f]{64}$/;
const LEASE_ID_BYTES = 16;

const matches =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value);
const isInstant = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** True for the one form of constraints. */
export const isCanonicalConstraints = (value: unknown): value is LeaseConstraints => {
  try {
    return canonicalJson(canonicalConstraints(value) as Json) === canonicalJson(value as Json);
  } catch {
    return false;
  }
};

/** True for an object with at least one of the named members, each a whole number from 1, and nothing else. */
export const isBudget = (value: unknown, names: readonly string[]): value is LeaseBudgetLimits =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(([key, limit]) => names.includes(key) && Number.isSafeInteger(limit) && (limit as number) >= 1);

const CHECKS: { readonly [Key in keyof LeasePayload]: (value: unknown) => boolean } = {
  v: (value) => value === 1,
  id: (value) => typeof value === 'string' && decodeBase64url(value)?.length === LEASE_ID_BYTES,
  kid: matches(kid),
  role: matches(name),
  session: matches(session),
  intent: (value) => value === null || matches(digest)(value),
  scopes: isScopeList,
  constraints: isCanonicalConstraints,
  issuedMs: isInstant,
  expiresMs: isInstant,
  bootDeadlineMs: isInstant,
  bootId: isBootId,
  budget: (value) => value === null || isBudget(value, ['calls', 'bytes']),
};
const KEYS = Object.keys(CHECKS) as (keyof LeasePayload)[];

/** Name of the first member that is missing or out of form, `further` for a key too many, or null. (LEASE-3) */
export const payloadProblem = (value: unknown): keyof LeasePayload | 'further' | null => {
  if (typeof value !== 'object' || value === null) return 'v';
  const members = value as Readonly<Record<string, unknown>>;
  const bad = KEYS.find((key) => !Object.hasOwn(members, key) || !CHECKS[key](members[key]));
  if (bad !== undefined) return bad;
  if (Object.keys(members).length !== KEYS.length) return 'further';
  return (members.expiresMs as number) > (members.issuedMs as number) ? null : 'expiresMs';
};
