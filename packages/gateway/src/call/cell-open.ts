/** What a cell is opened with: a fresh ticket, the sealed record, and where the service is. */
import { AirlockError, asAirlockError, type CellOpenParams, type TicketResult } from '@airlock/protocol';
import type { Cell } from '../cells/cell.js';
import { kindOf, type House } from '../house.js';
import type { ServiceEntry } from '../vault/entry.js';
import type { Answerable } from './question.js';

/** What a trial's limits carry in place of the id of a lease (airlock-totp). */
export const TRIAL_LEASE = 'trial';

/** @throws AirlockError VAULT_UNREADABLE where no credential is stored. */
export const orderFor = (house: House, operator: string, entry: ServiceEntry, lease: string, ticket: string): CellOpenParams => {
  const { service, kind, settings, destination, record } = entry;
  if (record === null) {
    throw new AirlockError('VAULT_UNREADABLE', `no credential is stored for ${service}`, {
      hint: `the operator can run: airlock-ctl credentials add ${service}`,
    });
  }
  const isListed = kindOf(house, entry)?.manifest.listed === true;
  const pins = isListed ? { pins: house.listed.get(operator)?.pins(service) ?? {} } : {};
  return { lease, service, kind, settings, destination, record, ticket, ...pins };
};

/** @throws AirlockError of airlock-totp: LEASE_EXPIRED, LOCKED, LEASE_SCOPE, UNAVAILABLE. */
export const openParams = async (house: House, operator: string, lease: string, entry: ServiceEntry): Promise<CellOpenParams> => {
  const { ticket } = await house.bridge.call<TicketResult>('ticket.create', { lease, service: entry.service });
  return orderFor(house, operator, entry, lease, ticket);
};

/** A record that was replaced while its cell was being opened: airlock-totp refuses the old one, and the next call has the new one. */
const orReplaced = (house: House, operator: string, entry: ServiceEntry, thrown: unknown): unknown => {
  const isOld = house.stores.get(operator)?.get(entry.service) !== entry;
  if (!isOld || asAirlockError(thrown).code !== 'VAULT_UNREADABLE') return thrown;
  return new AirlockError('UNAVAILABLE', 'the credential was replaced', {
    hint: 'call again; a fresh cell is opened',
    retryAfterMs: 0,
  });
};

/** A ticket lasts for ten seconds: after a sleep, or on a machine that stands still, a cell comes too late with it. That is nothing the agent did. */
const orLate = (thrown: unknown): unknown =>
  asAirlockError(thrown).code === 'NOT_AUTHENTICATED'
    ? new AirlockError('UNAVAILABLE', 'the cell was not ready in time', {
        hint: 'call again; a fresh cell is opened',
        retryAfterMs: 0,
      })
    : thrown;

/** The cell of lease and service, usually without waiting. */
export const cellOf = ({ house, session, params, registered, service }: Answerable): Cell | Promise<Cell> => {
  const { id } = registered;
  const { role, operator } = session;
  return (
    house.pool.ready(id, params.service) ??
    house.pool
      .get({ lease: id, service: params.service, role, operator }, () => openParams(house, operator, id, service.entry))
      .catch((thrown: unknown) => {
        throw orLate(orReplaced(house, operator, service.entry, thrown));
      })
  );
};
