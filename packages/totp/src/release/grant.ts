/**
 * The decision to release a record's key to a cell.
 *
 * RELEASE-1  the ticket is used up first, whatever comes of it.
 * RELEASE-2  airlock-totp decides from its own register.
 * RELEASE-3  the release is recorded durably before the key leaves.
 * RELEASE-9  a release under a lease makes its version the newest; a trial never does.
 */
import { AirlockError, type RegisteredLease, type ReleaseLimits } from '@airlock/protocol';
import type { Dek, RecordHeader } from '@airlock/vault';
import { TOTP_LIMITS } from '../limits.js';
import { deskOf, requireOpen, type House } from '../operators/house.js';
import type { Desk } from '../operators/desk.js';
import { requireThawed } from '../presence/freeze.js';
import { findLease, scopesFor } from '../register/leases.js';
import { markNewest, markSealed } from '../register/versions.js';
import type { ReleaseTicket } from '../tickets/release-tickets.js';
import type { Now } from '../queue/state.js';
import { drawNextKey, unwrapKey, type FreshKey } from './keys.js';

export interface ReleaseRequest {
  readonly ticket: Uint8Array;
  readonly header: Uint8Array;
  readonly wrapped: Uint8Array;
  /** Where the kind has rotating fields: a key of the next version goes along (RELEASE-12). */
  readonly withNext?: boolean;
}

export interface Grant {
  /** The caller overwrites it. */
  readonly dek: Dek;
  readonly limits: ReleaseLimits;
  readonly ticket: ReleaseTicket;
  /** The caller overwrites its key. */
  readonly next: FreshKey | null;
}

/** What a trial's limits carry in place of the id of a lease. */
export const TRIAL_LEASE = 'trial';

export const leaseOver = (): AirlockError => new AirlockError('LEASE_EXPIRED', 'the lease does not live any more');

/** UNATTENDED-3: names of the service's writes that the lease was approved for without a code each. */
const unattendedIn = (lease: RegisteredLease, service: string): Pick<ReleaseLimits, 'unattended'> => {
  // PRESENCE-3: nothing is free of a code under a lease that was frozen.
  const { unattended = [] } = lease.stepUp === true ? {} : lease;
  const own = unattended.filter((one) => one.startsWith(`${service}:`)).map((one) => one.slice(service.length + 1));
  return own.length === 0 ? {} : { unattended: own };
};

/** The lease's ends; of an approved operation, which is to run now, at most OPERATION-4's time from its release. */
const endsOf = (
  { expiresMs, bootDeadlineMs }: RegisteredLease,
  isApproval: boolean,
  now: Now,
): Pick<ReleaseLimits, 'deadlineWallMs' | 'deadlineBootMs'> => {
  const restMs = isApproval ? TOTP_LIMITS.operationRunMs : Infinity;
  return {
    deadlineWallMs: Math.min(expiresMs, now.wallMs + restMs),
    deadlineBootMs: Math.min(bootDeadlineMs, now.bootMs + restMs),
  };
};

/** OPERATION-4: what ended the approval since its ticket was given ends the ticket. @throws AirlockError APPROVAL_EXPIRED */
const requireKept = (desk: Desk, approved: ReleaseTicket['approved']): void => {
  if (approved === undefined || desk.state.operations.some(({ request }) => request === approved.request)) return;
  throw new AirlockError('APPROVAL_EXPIRED', 'the approval ended before the operation was carried out', {
    request: approved.request,
  });
};

/** @throws AirlockError LOCKED, LEASE_EXPIRED, LEASE_SCOPE, APPROVAL_EXPIRED */
export const decideRelease = (
  desk: Desk,
  { lease: id, service, approved }: ReleaseTicket,
): Omit<ReleaseLimits, 'service' | 'operator'> => {
  requireThawed(id === null ? { locked: desk.state.locked } : desk.state);
  const now = desk.now();
  if (id === null) {
    const ends = { deadlineWallMs: now.wallMs + TOTP_LIMITS.trialMs, deadlineBootMs: now.bootMs + TOTP_LIMITS.trialMs };
    return { lease: TRIAL_LEASE, trial: true, scopes: [], constraints: {}, ...ends };
  }
  const lease = findLease(desk.state, id);
  if (lease === null) throw leaseOver();
  requireKept(desk, approved);
  const scopes = scopesFor(lease, service);
  if (scopes.length === 0) throw new AirlockError('LEASE_SCOPE', 'no scope of the lease names the service');
  return {
    lease: id,
    trial: false,
    scopes,
    constraints: lease.constraints,
    ...unattendedIn(lease, service),
    ...endsOf(lease, approved !== undefined, now),
    ...(approved === undefined ? {} : { approved }),
  };
};

/** RELEASE-12: bound to the same destination, recorded, and never for a trial. */
const nextKey = (desk: Desk, service: string, header: RecordHeader, lease: string): FreshKey => {
  const next = drawNextKey(desk, service, header);
  desk.house.journal.record('key_sealed', desk.fields({ service, version: next.version, lease }));
  desk.commit(markSealed(desk.state, service, next.version));
  return next;
};

/** @throws AirlockError NOT_AUTHENTICATED, LOCKED, LEASE_EXPIRED, LEASE_SCOPE, APPROVAL_EXPIRED, VAULT_UNREADABLE, AUDIT_UNAVAILABLE */
export const grantRelease = (house: House, request: ReleaseRequest): Grant => {
  const ticket = house.releaseTickets.use(request.ticket, house.clock.bootMs());
  requireOpen(house);
  const desk = deskOf(house, ticket.operator);
  desk.settle();
  const limits = { service: ticket.service, operator: ticket.operator, ...decideRelease(desk, ticket) };
  const { dek, header } = unwrapKey(desk, ticket.service, request.header, request.wrapped);
  try {
    if (!limits.trial) desk.commit(markNewest(desk.state, ticket.service, header.version));
    const { lease, service, trial } = limits;
    house.journal.record('key_released', desk.fields({ lease: trial ? null : lease, service, trial, version: header.version }));
    const next = request.withNext === true && !trial ? nextKey(desk, service, header, lease) : null;
    return { dek, limits, ticket, next };
  } catch (thrown) {
    dek.fill(0);
    throw thrown;
  }
};
