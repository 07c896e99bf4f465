/** Answer of `status`: the one method that is served whatever the state. */
import { isoTime, type ApproveStatus, type Channel, type ChannelStatus, type Clock } from '@airlock/protocol';
import type { AirlockError } from '@airlock/protocol';
import { isLockedOut, triesLeft } from '../queue/failures.js';
import { emptyState, pendingOf, type OperatorState } from '../queue/state.js';
import type { Desk } from './desk.js';

export const VERSION = '0.1.0';

const channelStatus = (state: OperatorState, channel: Channel): ChannelStatus => ({
  locked: isLockedOut(state, channel),
  triesLeft: triesLeft(state, channel),
});

const sealedView = (reason: AirlockError | null): ApproveStatus['sealed'] =>
  reason === null ? null : { code: reason.code, message: reason.message, hint: reason.data.hint };

/** @param desk null where the daemon is sealed so early that it knows no operators */
export const statusOf = (desk: Desk | null, reason: AirlockError | null, clock: Clock, periodS: number): ApproveStatus => {
  const state = desk?.state ?? emptyState('');
  const wallMs = clock.wallMs();
  const alert = desk?.house.alert.viewOf(desk.operator) ?? null;
  return {
    enrolled: desk?.isEnrolled ?? false,
    locked: state.locked,
    nextStepInS: Math.max(1, Math.ceil(periodS - ((wallMs / 1000) % periodS))),
    queue: pendingOf(state).length,
    leases: state.leases.length,
    lockout: { terminal: channelStatus(state, 'terminal'), relay: channelStatus(state, 'relay') },
    sealed: sealedView(reason),
    ...(alert === null ? {} : { alert }),
    ...(desk === null ? {} : { presence: desk.house.presence.view(desk) }),
    version: VERSION,
    now: isoTime(wallMs),
  };
};
