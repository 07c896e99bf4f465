/**
 * Caveats: what a holder appends to narrow a lease, each a predicate of its own (docs/spec/lease.md).
 *
 * LEASE-6  a caveat of unknown kind or form fails; a newer holder can never smuggle a limit past an older verifier.
 */
import type { Json } from '@airlock/protocol';
import type { LeaseConstraints } from './constraints.js';
import { type LeaseBudgetLimits, type LeasePayload, isBudget, isCanonicalConstraints } from './payload.js';
import { isScopeList } from './scopes.js';

/** Kind and argument, as the canonical JSON array on the wire. */
export type Caveat =
  | readonly ['scopes', readonly string[]]
  | readonly ['expires', LeasePayload['expiresMs']]
  | readonly ['budget', LeaseBudgetLimits]
  | readonly ['constraints', LeaseConstraints];

type Kind = Caveat[0];

const CHECKS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  scopes: isScopeList,
  expires: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  budget: (value) => isBudget(value, ['calls', 'bytes']),
  constraints: (value) => isCanonicalConstraints(value) && Object.keys(value).length > 0,
};

/** True for an array of exactly a known kind and its argument in canonical form. (LEASE-6) */
export const isCaveat = (value: unknown): value is Caveat => {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [kind, argument] = value as readonly unknown[];
  return typeof kind === 'string' && Object.hasOwn(CHECKS, kind) && CHECKS[kind as Kind](argument);
};

/** The caveat as JSON. */
export const caveatJson = (caveat: Caveat): Json => caveat as unknown as Json;
