/** What only takes away needs no code (QUEUE-12): deny, cancel, revoke, release, lock. */
import { AirlockError, type LeaseEnd, type RegisteredGrant, type RegisteredLease } from '@airlock/protocol';
import { startCoolOff } from '../queue/cool-off.js';
import { leaveQueue, type Leaving } from '../queue/leave.js';
import { pendingOf, type QueuedRequest } from '../queue/state.js';
import { removeGrants } from '../register/grants.js';
import { removeLeases } from '../register/leases.js';
import type { Opener } from '../tickets/action-tickets.js';
import type { Desk } from './desk.js';

export interface DenyParams {
  readonly request?: string;
  readonly all?: boolean;
  readonly reason?: string;
}

const noRequest = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no such request waits', { hint: 'list them first: airlock-ctl pending' });

/** All, the one named, or the front. */
const chosen = (desk: Desk, { request, all = false }: DenyParams): readonly QueuedRequest[] => {
  const pending = pendingOf(desk.state);
  if (all) return pending;
  if (request === undefined) return pending.slice(0, 1);
  const one = pending.find(({ id }) => id === request);
  if (one === undefined) throw noRequest();
  return [one];
};

/** The recorded denial comes before its effect. @returns ids of what was denied. @throws AirlockError NOT_FOUND, AUDIT_UNAVAILABLE */
export const denyRequests = (desk: Desk, params: DenyParams): readonly string[] => {
  const now = desk.now();
  const denied = chosen(desk, params);
  const reason = params.reason ?? null;
  for (const { id, role, kind } of denied)
    desk.house.journal.record('access_denied', desk.fields({ request: id, role, kind, reason }));
  let next = desk.state;
  for (const { id, role, lane } of denied) {
    next = leaveQueue(next, id, { status: 'denied', reason, lease: null }, now);
    if (lane === 'agent') next = startCoolOff(next, role, now);
  }
  desk.commit(next);
  return denied.map(({ id }) => id);
};

const CANCELLED: Leaving = { status: 'expired', reason: 'cancelled', lease: null };

/** An action's own connection takes it back. @throws AirlockError NOT_FOUND */
export const cancelAction = (desk: Desk, request: string, opener: Opener): void => {
  if (desk.openers.get(request) !== opener) throw noRequest();
  desk.house.journal.record('request_expired', desk.fields({ request, why: 'cancelled' }));
  desk.commit(leaveQueue(desk.state, request, CANCELLED, desk.now()));
};

/** The end of a connection ends its actions and tickets (QUEUE-11, QUEUE-13). */
export const endOpener = (desk: Desk, opener: Opener): void => {
  desk.house.actionTickets.endOf(opener);
  for (const [request, held] of desk.undelivered) if (held.opener === opener) desk.undelivered.delete(request);
  const own = [...desk.openers].filter(([, one]) => one === opener).map(([request]) => request);
  if (own.length === 0 || desk.house.sealed() !== null) return;
  const now = desk.now();
  for (const request of own) desk.house.journal.note('request_expired', desk.fields({ request, why: 'its connection ended' }));
  desk.commit(own.reduce((state, request) => leaveQueue(state, request, CANCELLED, now), desk.state));
};

const EVENTS = { revoked: 'lease_revoked', released: 'lease_released' } as const;

/** Recorded, then out of the register. */
export const endLeases = (
  desk: Desk,
  leases: readonly RegisteredLease[],
  why: Extract<LeaseEnd, 'revoked' | 'released'>,
): void => {
  for (const { id, role } of leases) desk.house.journal.record(EVENTS[why], desk.fields({ lease: id, role }));
  desk.commit(
    removeLeases(
      desk.state,
      leases.map(({ id }) => id),
    ),
    why,
  );
};

/** GRANT-4: recorded, then gone. */
const endGrants = (desk: Desk, grants: readonly RegisteredGrant[]): void => {
  for (const { id, role } of grants) desk.house.journal.record('grant_ended', desk.fields({ grant: id, role, why: 'revoked' }));
  desk.commit(
    removeGrants(
      desk.state,
      grants.map(({ id }) => id),
    ),
    'revoked',
    'revoked',
  );
};

/** @returns ids of what was revoked, leases and grants. @throws AirlockError NOT_FOUND, PARAMS_INVALID, AUDIT_UNAVAILABLE */
export const revokeLeases = (desk: Desk, params: { readonly lease?: string; readonly all?: boolean }): readonly string[] => {
  if (params.all !== true && params.lease === undefined) {
    throw new AirlockError('PARAMS_INVALID', 'neither a lease nor all', {
      field: 'params.lease',
      expected: 'the id of a lease, or all: true',
    });
  }
  const isMeant = ({ id }: { readonly id: string }): boolean => params.all === true || id === params.lease;
  const leases = desk.state.leases.filter(isMeant);
  const grants = desk.state.grants.filter(isMeant);
  if (params.all !== true && leases.length + grants.length === 0)
    throw new AirlockError('NOT_FOUND', 'no live lease or grant has this id', { hint: 'list them first: airlock-ctl leases' });
  endLeases(desk, leases, 'revoked');
  endGrants(desk, grants);
  return [...leases, ...grants].map(({ id }) => id);
};

/** QUEUE-12: everyone's leases, whoever locks; each operator unlocks with a code of their own. */
export const lockAll = (desk: Desk): void => {
  lockOperator(desk, 'the operator');
  for (const other of desk.house.desks.values()) if (other.isEnrolled) lockOperator(other, `operator ${desk.operator}`);
};

/** Freezes every lease of the operator. */
export const lockOperator = (desk: Desk, why: string): void => {
  if (desk.state.locked) return;
  desk.house.journal.record('locked', desk.fields({ why }));
  desk.commit({ ...desk.state, locked: true, operations: [] });
};
