/** A cell's word that its service lists other operations than were accepted: kept for the operator, recorded, told to agents. */
import { checkListed, digestOfPins, listedChanges, pinsOf } from '@airlock/protocol';
import { kindOf, type House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';

/** Tells every session of the operator's roles that the operations of a service are others now. */
export const tellServicesChanged = (house: House, operator: string, service: string): void => {
  for (const { connections } of house.sessions.ofOperator(operator))
    for (const connection of connections) connection.notify('services.changed', { service });
};

/** Other rules are in force: what a role is offered of any service may be more or less (POLICY-8). */
export const tellRulesChanged = (house: House): void => {
  for (const [operator, store] of house.stores)
    for (const service of store.entries.keys()) tellServicesChanged(house, operator, service);
};

interface Where {
  readonly operator: string;
  readonly service: string;
}

/** One record and one notification for each new list, and not more often than `listedEveryMs`. */
export class ListedNews {
  readonly #lastMs = new Map<string, number>();

  /** @throws AirlockError UPSTREAM_REFUSED for a list that is none */
  take(house: House, { operator, service }: Where, value: unknown): void {
    const store = house.listed.get(operator);
    const entry = house.stores.get(operator)?.get(service);
    if (store === undefined || entry === undefined) return;
    const listed = checkListed(value, kindOf(house, entry)?.operations ?? new Map());
    const accepted = store.accepted(service);
    if (!store.offer(service, listed) || !this.#isTime(house, `${operator}/${service}`)) return;
    const changes = listedChanges(accepted, listed);
    house.journal.note('tools_changed', {
      operator,
      service,
      digest: digestOfPins(pinsOf(listed)),
      changes: changes.slice(0, 20),
    });
    tellServicesChanged(house, operator, service);
  }

  #isTime(house: House, key: string): boolean {
    const nowMs = house.clock.bootMs();
    if (nowMs - (this.#lastMs.get(key) ?? -Infinity) < GATEWAY_LIMITS.listedEveryMs) return false;
    this.#lastMs.set(key, nowMs);
    return true;
  }
}
