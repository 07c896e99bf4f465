/**
 * What a stored state means to a daemon that starts.
 *
 * QUEUE-13    requests survive a restart, actions do not; a front action that ends so left undecided.
 * REGISTER-1  a new boot ends every lease, every grant, and every request: their deadlines on boot time mean nothing any more.
 * PRESENCE-5  and with them the freeze: nothing is left that it could hold.
 */
import type { RegisteredGrant, RegisteredLease } from '@airlock/protocol';
import { leaveQueue, raiseFloor, type Leaving } from '../queue/leave.js';
import { NO_PRESENCE } from '../presence/decide.js';
import { pendingOf, type CoolOff, type Now, type OperatorState } from '../queue/state.js';

export interface Revived {
  readonly state: OperatorState;
  /** Leases that the reboot ended, for the record. */
  readonly ended: readonly RegisteredLease[];
  readonly endedGrants: readonly RegisteredGrant[];
}

const GONE: Leaving = { status: 'expired', reason: 'airlock-totp was restarted', lease: null };

const dropRequests = (state: OperatorState, now: Now, isDropped: (kind: string) => boolean): OperatorState =>
  pendingOf(state)
    .filter((one) => isDropped(one.kind))
    .reduce((from, one) => leaveQueue(from, one.id, GONE, now), state);

/** A cool-off starts over: how much of it passed while the machine was off cannot be known. */
const rearmCoolOff = (state: OperatorState, now: Now): Readonly<Record<string, CoolOff>> =>
  Object.fromEntries(
    Object.entries(state.coolOff).map(([role, one]) => [role, { ...one, untilBootMs: now.bootMs + one.delayMs }]),
  );

export const reviveState = (stored: OperatorState, now: Now): Revived => {
  if (stored.bootId === now.bootId)
    return { state: dropRequests(stored, now, (kind) => kind === 'action'), ended: [], endedGrants: [] };
  const wasLeft = stored.leftBootMs !== null;
  const thawed = stored.presence === undefined ? {} : { presence: NO_PRESENCE };
  const emptied = dropRequests({ ...stored, ...thawed, leases: [], grants: [], operations: [] }, now, () => true);
  const renewed = { ...emptied, bootId: now.bootId, coolOff: rearmCoolOff(emptied, now) };
  return { state: wasLeft ? raiseFloor(renewed, now) : renewed, ended: stored.leases, endedGrants: stored.grants };
};
