/** `service.tools` and `service.accept`: what a service lists itself, and what of it agents may use. */
import { AirlockError, digestOfPins, listedChanges, pinsOf, type ListedOperation, type ServiceTools } from '@airlock/protocol';
import type { House } from '../house.js';
import type { ListedStore } from '../listed/listed-store.js';
import { tellServicesChanged } from '../listed/tell.js';
import { redeem, type TicketParams } from './redeem.js';
import { entryOf, notConfigured } from './services.js';

const storeOf = (house: House, operator: string): ListedStore => {
  const store = house.listed.get(operator);
  if (store === undefined) throw notConfigured(house, operator);
  return store;
};

/** @throws AirlockError SERVICE_UNKNOWN */
export const serviceTools = (house: House, operator: string, service: string): ServiceTools => {
  const store = storeOf(house, operator);
  entryOf(house, operator, service);
  const [accepted, offered] = [store.accepted(service), store.offered(service)];
  if (offered === null) return { service, accepted, offered, changes: [], digest: null };
  return { service, accepted, offered, changes: listedChanges(accepted, offered), digest: digestOfPins(pinsOf(offered)) };
};

/** What is open of the service ends: its cells hold the former list. Durable on return. */
export const acceptListed = (house: House, operator: string, service: string, listed: readonly ListedOperation[]): void => {
  storeOf(house, operator).accept(service, listed);
  const again = new AirlockError('UNAVAILABLE', `the operations of ${service} were accepted anew`, { retryAfterMs: 250 });
  house.pool.endService(operator, service, again);
  tellServicesChanged(house, operator, service);
};

/** OPERATOR-2. @throws AirlockError NOT_AUTHENTICATED, NOT_FOUND where the service lists something else by now */
export const serviceAccept = async (house: House, operator: string, { ticket }: TicketParams): Promise<ServiceTools> => {
  const { params } = await redeem(house, operator, 'service.accept', ticket);
  const { offered, changes, digest } = serviceTools(house, operator, params.service);
  if (offered === null || digest !== params.digest || changes.join('\n') !== params.changes.join('\n')) {
    throw new AirlockError('NOT_FOUND', `${params.service} lists something else by now than what was approved`, {
      hint: `look at it again: airlock-ctl service tools ${params.service}`,
    });
  }
  const { service } = params;
  await house.journal.durable('config_changed', {
    verb: 'service.accept',
    operator,
    service,
    digest,
    changes: changes.slice(0, 20),
  });
  acceptListed(house, operator, service, offered);
  return serviceTools(house, operator, service);
};
