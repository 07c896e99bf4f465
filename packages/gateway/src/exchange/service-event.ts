/**
 * What a service says outside calls, told to the session whose lease its cell serves.
 *
 * EXCHANGE-11  never a question; only while the lease lives, after the taint is written, and not under a lease whose bytes are
 *              limited or that is held to other constraints, as nobody could say what of it they allow.
 */
import { LIMITS, type CellEvent, type OperationManifest } from '@airlock/protocol';
import type { CellKey } from '../cells/pool.js';
import { findService, type House, type Service } from '../house.js';
import { taintSession } from '../sessions/taint-session.js';

/** The session's connections may hear it now. */
const mayHear = (house: House, { lease, operator }: CellKey): string | null => {
  const registered = house.register.find(lease);
  if (registered === null || house.bridge.refusal() !== null || house.frozen.has(operator)) return null;
  const isLimited = registered.budget?.bytes !== undefined || Object.keys(registered.constraints).length > 0;
  return isLimited ? null : registered.session;
};

/** An operation that stands for the service in the taint; none where it has nothing that others wrote. */
const untrustedOf = ({ operations }: Service): OperationManifest | undefined =>
  [...operations.values()].find(({ untrusted }) => untrusted);

/** @throws AirlockError where the taint cannot be kept: the cell is ended then */
export const tellServiceEvent = (house: House, key: CellKey, { event }: CellEvent): void => {
  if ('ask' in event) return;
  const session = house.sessions.get(mayHear(house, key) ?? '');
  const service = findService(house, key.operator, key.service);
  // What nobody can say of whether others wrote it is not told.
  if (session === undefined || service === null) return;
  const operation = untrustedOf(service);
  if (operation !== undefined) taintSession(house, session, { service: key.service, operation: operation.name });
  for (const connection of session.connections)
    if (connection.unsentBytes <= LIMITS.unsentPauseBytes) connection.notify('service.event', { service: key.service, event });
};
