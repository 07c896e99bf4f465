/**
 * What a payload and its caveats allow together.
 *
 * LEASE-7  every caveat only takes away: scopes and constraints are intersections, ends are minima, budgets all hold.
 * LEASE-9  a narrowed expiry shortens the boot-time deadline by as much, so setting the wall clock back wins nothing.
 */
import type { Caveat } from './caveat.js';
import { type LeaseConstraints, mergeConstraints } from './constraints.js';
import type { LeasePayload } from './payload.js';
import { intersectScopes } from './scopes.js';

/** The rights of a lease as it is, before role policy and configuration take their part. */
export interface EffectiveLease {
  /** Canonical, sorted; may be empty. */
  readonly scopes: readonly string[];
  readonly expiresMs: number;
  readonly bootDeadlineMs: number;
  readonly constraints: LeaseConstraints;
}

const narrow = (lease: EffectiveLease, [kind, argument]: Caveat): EffectiveLease => {
  switch (kind) {
    case 'scopes':
      return { ...lease, scopes: intersectScopes(lease.scopes, argument) };
    case 'expires':
      return { ...lease, expiresMs: Math.min(lease.expiresMs, argument) };
    case 'constraints':
      return { ...lease, constraints: mergeConstraints(lease.constraints, argument) };
    case 'budget':
      return lease;
  }
};

export const effectiveLease = (payload: LeasePayload, caveats: readonly Caveat[]): EffectiveLease => {
  const { scopes, expiresMs, bootDeadlineMs, constraints } = payload;
  const narrowed = caveats.reduce(narrow, { scopes, expiresMs, bootDeadlineMs, constraints });
  return { ...narrowed, bootDeadlineMs: bootDeadlineMs - (expiresMs - narrowed.expiresMs) };
};
