/** `credentials.put`, `credentials.remove`, `credentials.record`. The gateway handles ciphertext only. */
import { AirlockError, destinationDigest, isoTime, type RecordResult, type ServiceChanged } from '@airlock/protocol';
import type { House } from '../house.js';
import { versionOf, type ServiceEntry } from '../vault/entry.js';
import { expectHeader, readHeader } from '../vault/record-header.js';
import { redeem, tryLogin, type TicketParams } from './redeem.js';
import { checkDestination, commitOf, entryOf, requireKind, storeOf, view } from './services.js';

const replaced = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the credential was replaced', { hint: 'call again; a fresh cell is opened', retryAfterMs: 0 });

/**
 * A new sealed record of a service that exists: header checked, login tried where the action says so, then stored.
 * @throws AirlockError PARAMS_INVALID, VAULT_UNREADABLE, of the trial with data.found; the old record stands.
 */
export const credentialsPut = async (
  house: House,
  operator: string,
  { ticket, record }: Required<TicketParams>,
): Promise<ServiceChanged> => {
  const { params, trial } = await redeem(house, operator, 'credentials.add', ticket);
  const old = entryOf(house, operator, params.service);
  if (old.kind !== params.kind)
    throw new AirlockError('PARAMS_INVALID', `the service is of kind ${old.kind}`, { expected: old.kind, found: params.kind });
  const { destination, fields } = params;
  checkDestination(requireKind(house, params.kind), old.settings, destination);
  expectHeader(
    readHeader(record),
    { owner: operator, service: old.service, destination: destinationDigest(destination) },
    versionOf(old),
  );
  const entry: ServiceEntry = { ...old, destination, fields, updatedAt: isoTime(house.clock.wallMs()), record };
  if (params.test) await tryLogin(house, operator, entry, trial);
  await house.journal.durable('config_changed', { verb: 'credentials.add', operator, service: entry.service, fields });
  await storeOf(house, operator).put(entry, commitOf(house, operator));
  house.pool.endService(operator, entry.service, replaced());
  return { service: view(house, entry) };
};

/** The record goes, the definition stays. A record is sealed whole, so it is removed whole. */
export const credentialsRemove = async (house: House, operator: string, { ticket }: TicketParams): Promise<ServiceChanged> => {
  const { params } = await redeem(house, operator, 'credentials.remove', ticket);
  const old = entryOf(house, operator, params.service);
  const kept = old.fields.filter((field) => params.fields.length > 0 && !params.fields.includes(field));
  if (kept.length > 0) {
    throw new AirlockError('PARAMS_INVALID', 'a record is sealed whole and removed whole', {
      expected: old.fields.join(', '),
      found: params.fields.join(', '),
    });
  }
  await house.journal.durable('config_changed', { verb: 'credentials.remove', operator, service: old.service });
  const entry: ServiceEntry = { ...old, fields: [], updatedAt: null, record: null };
  storeOf(house, operator).replace(entry);
  house.pool.endService(operator, old.service, new AirlockError('VAULT_UNREADABLE', 'the credential was removed'));
  await house.bridge.call('record.removed', { operator, service: old.service });
  return { service: view(house, entry) };
};

/** Ciphertext, for `credentials get`: airlock-totp has the key. @throws AirlockError SERVICE_UNKNOWN, NOT_FOUND */
export const credentialsRecord = (house: House, operator: string, service: string): RecordResult => {
  const { record } = entryOf(house, operator, service);
  if (record === null)
    throw new AirlockError('NOT_FOUND', `no credential is stored for ${service}`, {
      hint: `airlock-ctl credentials add ${service}`,
    });
  return { record };
};
