/**
 * The register: which leases live. Pure functions on an operator's state.
 *
 * REGISTER-1  a lease ends at the earlier of its wall-clock expiry and its deadline on boot time; a new boot ends all.
 * REGISTER-2  what has ended never lives again: it is taken out, and ids are random.
 */
import { intentHash, parseScope, type RegisteredLease } from '@airlock/protocol';
import type { Now, OperatorState, QueuedRequest } from '../queue/state.js';

export const isLeaseOver = (lease: RegisteredLease, now: Now): boolean =>
  now.wallMs >= lease.expiresMs || now.bootMs >= lease.bootDeadlineMs;

/** The lease that an approved request becomes. `id`: fresh, random. */
export const leaseOf = (request: QueuedRequest, operator: string, id: string, now: Now): RegisteredLease => ({
  id,
  operator,
  role: request.role,
  session: request.session,
  scopes: request.scopes,
  constraints: request.constraints,
  ...(request.unattended === undefined ? {} : { unattended: request.unattended }),
  intent: request.intent === null ? null : intentHash(request.intent),
  budget: request.budget,
  issuedMs: now.wallMs,
  expiresMs: now.wallMs + request.ttlS * 1000,
  bootDeadlineMs: now.bootMs + request.ttlS * 1000,
});

export const findLease = (state: OperatorState, id: string): RegisteredLease | null =>
  state.leases.find((lease) => lease.id === id) ?? null;

export const addLease = (state: OperatorState, lease: RegisteredLease): OperatorState => ({
  ...state,
  leases: [...state.leases, lease],
});

export const removeLeases = (state: OperatorState, ids: readonly string[]): OperatorState => {
  const ended = new Set(ids);
  return { ...state, leases: state.leases.filter((lease) => !ended.has(lease.id)) };
};

export const leasesOver = (state: OperatorState, now: Now): readonly RegisteredLease[] =>
  state.leases.filter((lease) => isLeaseOver(lease, now));

/** The scopes of a lease that name the service. */
export const scopesFor = (lease: RegisteredLease, service: string): readonly string[] =>
  lease.scopes.filter((scope) => parseScope(scope).service === service);
