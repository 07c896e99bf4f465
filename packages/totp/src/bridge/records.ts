/** Answers of the bridge about leases, tickets and records. */
import { AirlockError, decodeBase64url, type RedeemedAction } from '@airlock/protocol';
import { endLeases } from '../operators/deny.js';
import { deskOf, type House } from '../operators/house.js';
import { findLease } from '../register/leases.js';
import { isVersionRetired, markNewest, markRemoved, versionsOf } from '../register/versions.js';
import { decideRelease } from '../release/grant.js';
import type { OpenReleases } from '../release/open-releases.js';
import type { Desk } from '../operators/desk.js';

const deskOfLease = (house: House, lease: string): Desk => {
  for (const desk of house.desks.values()) if (findLease(desk.state, lease) !== null) return desk;
  throw new AirlockError('LEASE_EXPIRED', 'the lease does not live any more');
};

/** RELEASE-2: from our own register. @throws AirlockError LEASE_EXPIRED, LOCKED, LEASE_SCOPE */
export const createTicket = (
  house: House,
  { lease, service }: { readonly lease: string; readonly service: string },
): { readonly ticket: string } => {
  const desk = deskOfLease(house, lease);
  const ticket = { operator: desk.operator, service, lease };
  decideRelease(desk, ticket);
  return { ticket: house.releaseTickets.issue(ticket, desk.now().bootMs) };
};

export interface RedeemParams {
  readonly ticket: string;
  readonly operator: string;
  readonly verb: string;
}

/**
 * An approved action is carried out: its right is used up, and recorded, before the gateway learns what it may do.
 * @throws AirlockError NOT_AUTHENTICATED, AUDIT_UNAVAILABLE
 */
export const redeemAction = (house: House, params: RedeemParams): RedeemedAction => {
  const desk = deskOf(house, params.operator);
  const bytes = decodeBase64url(params.ticket) ?? Buffer.alloc(0);
  const now = desk.now();
  const { action, request } = house.actionTickets.use(bytes, 'redeem', params.operator, null, now);
  if (action.verb !== params.verb)
    throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is for another action', {
      expected: action.verb,
      found: params.verb,
    });
  house.journal.record(
    'action_redeemed',
    desk.fields({ request, verb: action.verb, service: 'service' in action.params ? action.params.service : null }),
  );
  const hasTrial = house.actionTickets.takeAlso(bytes, 'trial') && 'service' in action.params;
  const trial = hasTrial
    ? house.releaseTickets.issue({ operator: params.operator, service: action.params.service, lease: null }, now.bootMs)
    : null;
  return { operator: params.operator, action, trial };
};

export interface RecordParams {
  readonly operator: string;
  readonly service: string;
}

/** The gateway stored a record durably; older ones are refused from here on (RELEASE-9). @throws AirlockError PARAMS_INVALID, VAULT_UNREADABLE */
export const recordCommitted = (
  house: House,
  { operator, service, version }: RecordParams & { readonly version: number },
): void => {
  const desk = deskOf(house, operator);
  const { sealed } = versionsOf(desk.state, service);
  if (version > sealed) {
    throw new AirlockError('PARAMS_INVALID', 'no such version was ever sealed', {
      field: 'params.version',
      expected: `at most ${sealed}`,
      found: String(version),
    });
  }
  if (isVersionRetired(desk.state, service, version)) {
    throw new AirlockError('VAULT_UNREADABLE', 'the record was sealed for a phone that was replaced meanwhile', {
      hint: `seal it again: airlock-ctl credentials add ${service}`,
    });
  }
  desk.commit(markNewest(desk.state, service, version));
  house.actionTickets.endTried(operator, service);
};

/** No record sealed so far opens again, and what is open of it ends. */
export const recordRemoved = (house: House, releases: OpenReleases, { operator, service }: RecordParams): void => {
  const desk = deskOf(house, operator);
  house.journal.record('record_removed', desk.fields({ service }));
  desk.commit(markRemoved(desk.state, service));
  const isOfRecord = (one: { readonly operator: string; readonly service: string }): boolean =>
    one.operator === operator && one.service === service;
  releases.end(isOfRecord, new AirlockError('VAULT_UNREADABLE', 'the record was removed'));
};

/** The agent gives its lease back; the gateway has checked that it may. One that has ended already is no error. */
export const releaseLease = (house: House, { lease: id }: { readonly lease: string }): void => {
  for (const desk of house.desks.values()) {
    const lease = findLease(desk.state, id);
    if (lease !== null) endLeases(desk, [lease], 'released');
  }
};
