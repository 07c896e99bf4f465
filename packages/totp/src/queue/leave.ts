/**
 * How a request leaves the queue, and what that does to the floor.
 *
 * QUEUE-1  only the front can be approved; nothing an agent sends changes which one it is.
 * QUEUE-5  whenever the front leaves other than by approval, the floor rises to the current step + 2; it never falls.
 */
import type { RequestStatus } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import { pendingOf, type DecidedRequest, type Now, type OperatorState, type QueuedRequest } from './state.js';

export interface Leaving {
  readonly status: Exclude<RequestStatus, 'pending'>;
  readonly reason: string | null;
  readonly lease: string | null;
}

const decidedOf = (request: QueuedRequest, leaving: Leaving): DecidedRequest => ({
  id: request.id,
  status: leaving.status,
  role: request.role,
  session: request.session,
  match: request.match,
  expiresMs: request.expiresMs,
  reason: leaving.reason,
  lease: leaving.lease,
  ...(request.renew === undefined ? {} : { renew: request.renew }),
  delivered: false,
});

/** The oldest outcome is forgotten first, but never a lease that is live and was not fetched. */
const remember = (state: OperatorState, decided: DecidedRequest): readonly DecidedRequest[] => {
  const all = [...state.decided, decided];
  if (all.length <= TOTP_LIMITS.maxDecided) return all;
  const live = new Set(state.leases.map((lease) => lease.id));
  const isNeeded = (one: DecidedRequest): boolean => one.lease !== null && !one.delivered && live.has(one.lease);
  const oldest = all.findIndex((one) => !isNeeded(one));
  return all.filter((_, index) => index !== Math.max(oldest, 0));
};

/** The floor rule. Exported so that the property test can leave it out as its negative control. */
export const raiseFloor = (state: OperatorState, now: Now): OperatorState => ({
  ...state,
  floorStep: Math.max(state.floorStep, now.step + TOTP_LIMITS.floorSteps),
  leftBootMs: now.bootMs,
});

export type FloorRule = typeof raiseFloor;

/**
 * Takes a request out and puts the next one in front.
 * @returns the state unchanged where no such request is queued.
 */
export const leaveQueue = (
  state: OperatorState,
  id: string,
  leaving: Leaving,
  now: Now,
  floorRule: FloorRule = raiseFloor,
): OperatorState => {
  const request = pendingOf(state).find((one) => one.id === id);
  if (request === undefined) return state;
  const decided = remember(state, decidedOf(request, leaving));
  if (state.front?.id !== id) return { ...state, decided, waiting: state.waiting.filter((one) => one.id !== id) };
  const [next = null, ...waiting] = state.waiting;
  const left = { ...state, decided, front: next, waiting };
  return leaving.status === 'approved' ? left : floorRule(left, now);
};

/** A deadline of a request holds on both clocks, whichever is over first. */
export const isOver = (request: Pick<QueuedRequest, 'expiresMs' | 'bootDeadlineMs'>, now: Now): boolean =>
  now.wallMs >= request.expiresMs || now.bootMs >= request.bootDeadlineMs;

export interface Expired {
  readonly state: OperatorState;
  readonly requests: readonly QueuedRequest[];
}

/** The lease of an operation's request has ended (OPERATION-3): no code could run it any more. */
const isOrphan = (state: OperatorState, { operation }: QueuedRequest): boolean =>
  operation !== undefined && !state.leases.some(({ id }) => id === operation.lease);

/** Every request whose time is over leaves. */
export const expireRequests = (state: OperatorState, now: Now, floorRule: FloorRule = raiseFloor): Expired => {
  const requests = pendingOf(state).filter((one) => isOver(one, now) || isOrphan(state, one));
  const leaving: Leaving = { status: 'expired', reason: null, lease: null };
  return { requests, state: requests.reduce((from, one) => leaveQueue(from, one.id, leaving, now, floorRule), state) };
};
