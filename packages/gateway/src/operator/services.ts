/** `service.list`, `service.add`, `service.remove`, `service.test`. */
import {
  AirlockError,
  destinationDigest,
  isoTime,
  resolveDestination,
  type ConnectorManifest,
  type Destination,
  type ListedOperation,
  type ServiceChanged,
  type ServiceList,
  type ServiceView,
  type Settings,
  type ServiceStderr,
} from '@airlock/protocol';
import type { House } from '../house.js';
import { tellServicesChanged } from '../listed/tell.js';
import { viewOf, type ServiceEntry } from '../vault/entry.js';
import { expectHeader, readHeader } from '../vault/record-header.js';
import type { Commit, ServiceStore } from '../vault/store.js';
import { acceptListed } from './listed.js';
import { redeem, tryLogin, type TicketParams } from './redeem.js';

/** What nothing is stored for: what seals the state is the reason, where there is one. */
export const notConfigured = (house: House, operator: string): AirlockError =>
  house.sealed() ??
  new AirlockError('CONFIG_INVALID', `operator ${operator} is not configured`, { hint: 'as root: airlock-ctl doctor' });

/** The operator's own part of the vault. @throws AirlockError VAULT_UNREADABLE where it could not be opened; CONFIG_INVALID */
export const storeOf = (house: House, operator: string): ServiceStore => {
  const store = house.stores.get(operator);
  if (store === undefined) throw notConfigured(house, operator);
  return store;
};

/** @throws AirlockError SERVICE_UNKNOWN */
export const entryOf = (house: House, operator: string, service: string): ServiceEntry => {
  const store = storeOf(house, operator);
  const entry = store.get(service);
  if (entry !== undefined) return entry;
  const expected = [...store.entries.keys()].sort().join(', ') || 'none';
  throw new AirlockError('SERVICE_UNKNOWN', `there is no service ${service}`, {
    expected,
    found: service,
    hint: 'airlock-ctl service list',
  });
};

export const view = (house: House, entry: ServiceEntry): ServiceView =>
  viewOf(entry, house.catalogue.find(entry.kind)?.manifest.title ?? entry.kind);

/** @throws AirlockError SERVICE_UNKNOWN */
export const serviceStderr = (house: House, operator: string, service: string): ServiceStderr => {
  entryOf(house, operator, service);
  const said = house.lastWords.of({ operator, service });
  return { service, text: said?.text ?? null, at: said === null ? null : isoTime(said.atMs) };
};

/** Tells airlock-totp of a stored version, so that it refuses older ones. */
export const commitOf =
  (house: House, operator: string): Commit =>
  async ({ service }, version) => {
    await house.bridge.call('record.committed', { operator, service, version });
  };

export const serviceList = (house: House, operator: string): ServiceList => ({
  services: [...(house.stores.get(operator)?.entries.values() ?? [])]
    .sort((a, b) => a.service.localeCompare(b.service))
    .map((entry) => view(house, entry)),
});

/** @throws AirlockError SERVICE_UNKNOWN where no connector of the kind is installed. */
export const requireKind = (house: House, kind: string): ConnectorManifest => {
  const known = house.catalogue.find(kind);
  if (known !== null) return known.manifest;
  throw new AirlockError('SERVICE_UNKNOWN', `no connector of kind ${kind} is installed`, {
    found: kind,
    hint: 'list the kinds there are: airlock-ctl service kinds',
  });
};

/** What was approved has to be where the settings lead, or no cell would ever open it (CELL-8). @throws AirlockError PARAMS_INVALID */
export const checkDestination = (manifest: ConnectorManifest, settings: Settings, destination: Destination): void => {
  if (destinationDigest(resolveDestination(manifest, settings)) === destinationDigest(destination)) return;
  throw new AirlockError('PARAMS_INVALID', 'the settings lead to another destination than the one approved', {
    field: 'params.settings',
  });
};

/** Adds a definition, with its sealed credential where there is one. @throws AirlockError, nothing stored. */
export const serviceAdd = async (house: House, operator: string, { ticket, record }: TicketParams): Promise<ServiceChanged> => {
  const store = storeOf(house, operator);
  const { params, trial } = await redeem(house, operator, 'service.add', ticket);
  const { test, ...definition } = params;
  checkDestination(requireKind(house, definition.kind), definition.settings, definition.destination);
  store.checkRoom(definition.service);
  if (store.get(definition.service) !== undefined) {
    throw new AirlockError('PARAMS_INVALID', `there is a service ${definition.service} already`, {
      hint: `choose another --name, or remove it first: airlock-ctl service remove ${definition.service}`,
    });
  }
  let listed: readonly ListedOperation[] | null = null;
  const updatedAt = record === undefined ? null : isoTime(house.clock.wallMs());
  const entry: ServiceEntry = { v: 1, ...definition, updatedAt, record: record ?? null };
  if (record !== undefined) {
    const expected = { owner: operator, service: entry.service, destination: destinationDigest(entry.destination) };
    expectHeader(readHeader(record), expected, 0);
    if (test) listed = await tryLogin(house, operator, entry, trial);
  }
  await house.journal.durable('config_changed', { verb: 'service.add', operator, service: entry.service, kind: entry.kind });
  if (record === undefined) store.replace(entry);
  else await store.put(entry, commitOf(house, operator));
  // What the operator approved to be tried is what agents may use; what comes later has to be accepted.
  if (listed !== null) acceptListed(house, operator, entry.service, listed);
  else tellServicesChanged(house, operator, entry.service);
  return { service: view(house, entry) };
};

/** The definition and its credential go; what is open of it ends. */
export const serviceRemove = async (house: House, operator: string, { ticket }: TicketParams): Promise<object> => {
  const { params } = await redeem(house, operator, 'service.remove', ticket);
  entryOf(house, operator, params.service);
  await house.journal.durable('config_changed', { verb: 'service.remove', operator, service: params.service });
  storeOf(house, operator).remove(params.service);
  house.pool.endService(
    operator,
    params.service,
    new AirlockError('SERVICE_UNKNOWN', `the service ${params.service} was removed`),
  );
  house.listed.get(operator)?.remove(params.service);
  tellServicesChanged(house, operator, params.service);
  await house.bridge.call('record.removed', { operator, service: params.service });
  return {};
};

/** Logs in with the stored credential, once. */
export const serviceTest = async (house: House, operator: string, { ticket }: TicketParams): Promise<{ readonly ok: true }> => {
  const { params, trial } = await redeem(house, operator, 'service.test', ticket);
  const entry = entryOf(house, operator, params.service);
  const listed = await tryLogin(house, operator, entry, trial);
  if (listed !== null) house.listed.get(operator)?.offer(params.service, listed);
  return { ok: true };
};
