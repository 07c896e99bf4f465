/**
 * The action `rotate` (docs/spec/approval.md "Rotation"): another lease key, and every record key wrapped for another epoch.
 *
 * ROTATE-1  it is recorded first; then end the leases that are to end, then the lease key changes, then the epoch: killed in between,
 *           what was done stands, nothing that lives is of a key that is gone, and running it again completes it.
 * ROTATE-2  leases of before go on under their own key, which verifies those that were handed out and no other.
 * ROTATE-3  a key of before is dropped with the last lease that lives of it.
 * ROTATE-4  `endLeases` ends every lease of every operator, and keeps no key of before.
 */
import { asAirlockError, type RegisteredLease } from '@airlock/protocol';
import type { OperatorState } from '../queue/state.js';
import { currentSecret, epochOf } from '../state/secrets.js';
import { endLeases } from './deny.js';
import type { Desk } from './desk.js';
import type { House } from './house.js';

/** Ids of every lease of every operator. */
const liveLeases = (desks: Iterable<Pick<Desk, 'state'>>): ReadonlySet<string> =>
  new Set([...desks].flatMap(({ state }) => state.leases.map(({ id }) => id)));

/** Those whose text left: one that was not fetched yet is minted with the key of that time. */
const handedOut = ({ leases, decided }: OperatorState): string[] => {
  const waiting = new Set(decided.filter(({ delivered }) => !delivered).map(({ lease }) => lease));
  return leases.filter(({ id }) => !waiting.has(id)).map(({ id }) => id);
};

/** Recorded for each, then out of the register. */
const endWhere = (house: House, isMeant: (lease: RegisteredLease) => boolean): void => {
  for (const one of house.desks.values()) {
    const leases = one.state.leases.filter(isMeant);
    if (leases.length > 0) endLeases(one, leases, 'revoked');
  }
};

const changeLeaseKey = (house: House): void => {
  const desks = [...house.desks.values()];
  const out = desks.flatMap(({ state }) => handedOut(state));
  const kept = house.leaseKey.keptAfter(out);
  const waiting = new Set(desks.flatMap(({ state }) => state.leases.map(({ id }) => id)));
  for (const id of out) waiting.delete(id);
  endWhere(house, ({ id }) => !kept.has(id) && !waiting.has(id));
  house.leaseKey.renew(out.filter((id) => kept.has(id)));
};

export const rotateKeys = (desk: Desk, request: string, { endLeases: ends = false }: { readonly endLeases?: boolean }): void => {
  const { house } = desk;
  const secrets = desk.requireEnrolled();
  const leases = ends ? 'ended' : 'kept';
  house.journal.record('keys_rotated', desk.fields({ request, epoch: epochOf(secrets) + 1, leases }));
  if (ends) endWhere(house, () => true);
  changeLeaseKey(house);
  for (const listener of house.rotatedListeners) listener();
  // The same phone: a copy, as the old one is overwritten when it is forgotten (ENROL-9).
  desk.enrol({ ...secrets, totp: [...secrets.totp, Buffer.from(currentSecret(secrets))] });
};

/** ROTATE-3. Where it cannot be written the daemon is sealed, as after any change of its state. */
export const dropEarlierKeys = (house: House): void => {
  try {
    if (!house.leaseKey.keepOnly(liveLeases(house.desks.values()))) return;
    for (const listener of house.rotatedListeners) listener();
  } catch (thrown) {
    house.seal(asAirlockError(thrown));
  }
};
