/**
 * After another phone was enrolled every key is wrapped again, for that phone, and airlock-totp is told when all of them are
 * on disk. Begun by what airlock-totp says (hello, `enrolled`), so a kill at any point begins it again.
 *
 * ENROL-8  what is wrapped again is durable before it is acknowledged; cells that were given the old form are open by then.
 */
import { asAirlockError, type SealedRecordText } from '@airlock/protocol';
import type { House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { commitOf } from '../operator/services.js';
import type { ServiceStore } from './store.js';

const recordsOf = (store: ServiceStore): Pick<SealedRecordText, 'header' | 'wrapped'>[] =>
  [...store.entries.values()].flatMap(({ record }) =>
    record === null ? [] : [{ header: record.header, wrapped: record.wrapped }],
  );

/** @returns whether everything stored is wrapped for the present phone, and airlock-totp knows. @throws AirlockError of it */
const rewrapOnce = async (house: House, store: ServiceStore): Promise<boolean> => {
  const { operator } = store;
  await store.settle(commitOf(house, operator));
  for (const entry of [...store.entries.values()]) {
    if (entry.record === null) continue;
    const { header, wrapped } = entry.record;
    const again = await house.bridge.call<{ readonly wrapped: string }>('record.rewrap', { operator, header, wrapped });
    store.rewrap(entry, again.wrapped);
  }
  await house.pool.opened();
  if (!store.isSettled) return false;
  await house.bridge.call('records.rewrapped', { operator, records: recordsOf(store) });
  return true;
};

const attempt = async (house: House, store: ServiceStore): Promise<void> => {
  let isDone = false;
  try {
    // What a restore replaces is nobody's to wrap: it is begun once that is in force.
    isDone = house.restores.problem === null && (await rewrapOnce(house, store));
  } catch (thrown) {
    house.options.log(`keys of ${store.operator} are not all wrapped again: ${asAirlockError(thrown).message}`);
  }
  // Cut off: the next hello begins it again.
  if (isDone || house.bridge.refusal() !== null) return void house.rewrapping.delete(store.operator);
  house.timers.after(GATEWAY_LIMITS.rewrapRetryMs, () => void attempt(house, store));
};

/** Begins it, unless it runs. Never throws. */
export const rewrapVault = (house: House, operator: string): void => {
  const store = house.stores.get(operator);
  if (store === undefined || house.rewrapping.has(operator)) return;
  house.rewrapping.add(operator);
  void attempt(house, store);
};
