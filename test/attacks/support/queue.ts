/** The pure queue of airlock-totp, for negative controls: the same attack against the queue with one rule taken out. */
import { compiled } from './house.js';

type Leave = typeof import('../../../packages/totp/dist/src/queue/leave.js');
type Open = typeof import('../../../packages/totp/dist/src/queue/open.js');
type State = typeof import('../../../packages/totp/dist/src/queue/state.js');
type Submit = typeof import('../../../packages/totp/dist/src/queue/submit.js');
export type OperatorState = ReturnType<State['emptyState']>;
export type QueuedRequest = NonNullable<OperatorState['front']>;

export const { leaveQueue, raiseFloor } = (await compiled('totp/dist/src/queue/leave.js')) as Leave;
export const { enqueue } = (await compiled('totp/dist/src/queue/open.js')) as Open;
export const { emptyState } = (await compiled('totp/dist/src/queue/state.js')) as State;
export const { decideSubmission } = (await compiled('totp/dist/src/queue/submit.js')) as Submit;

export const PERIOD_S = 30;
export const nowAt = (step: number): Parameters<typeof leaveQueue>[3] => ({
  wallMs: step * PERIOD_S * 1000,
  bootMs: step * PERIOD_S * 1000,
  bootId: 'boot',
  step,
  periodS: PERIOD_S,
});

/** A request of an agent whose text, id and digest are its name. */
export const requestNamed = (name: string, match: string): QueuedRequest => ({
  id: name,
  kind: 'lease',
  lane: 'agent',
  role: 'default',
  session: 'session',
  scopes: ['mail:read'],
  reason: name,
  intent: null,
  constraints: {},
  budget: null,
  ttlS: 60,
  action: null,
  match,
  text: name,
  digest: name,
  summary: name,
  createdMs: 0,
  expiresMs: Number.MAX_SAFE_INTEGER,
  bootDeadlineMs: Number.MAX_SAFE_INTEGER,
});

/** Submits the code of one step for a request; in this model the code is its step. */
export const give = (
  state: OperatorState,
  request: QueuedRequest,
  codeStep: number,
  nowStep: number,
): ReturnType<typeof decideSubmission> =>
  decideSubmission(
    state,
    { request: request.id, digest: request.digest, match: request.match, channel: 'terminal', isOpener: true },
    nowAt(nowStep),
    (steps) => (steps.includes(codeStep) ? codeStep : null),
  );
