/**
 * What a submission does. The order of the checks is the security argument: nothing that an attacker can
 * vary is compared after the code was looked at.
 *
 * QUEUE-1  only the front request can be approved.
 * QUEUE-2  request and digest are compared before the code is looked at; a digest that differs burns nothing.
 * QUEUE-3  a valid code that names a request not in front is burnt and refused.
 * QUEUE-4  step in the window, above the last used, not below the floor.
 * QUEUE-6  the match number where another request waits, or one left the front undecided or denied lately.
 * QUEUE-9  while a channel is locked no code is looked at; every failure counts, but for the last used code given again.
 */
import type { Channel } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import { acceptableSteps, burnStep, countFailure, isLockedOut, spentStep } from './failures.js';
import { pendingOf, type Now, type OperatorState, type QueuedRequest } from './state.js';

export interface Submission {
  readonly request: string;
  readonly digest: string;
  readonly match: string | null;
  readonly channel: Channel;
  /** The connection that submits is the one that opened the action in front. */
  readonly isOpener: boolean;
}

/** Finds which of the steps the code belongs to, or null. Called at most once, and last. */
export type FindStep = (steps: readonly number[]) => number | null;

export type Verdict =
  | { readonly kind: 'locked-out' }
  | { readonly kind: 'digest' }
  | { readonly kind: 'match-missing' }
  | { readonly kind: 'match-wrong' }
  | { readonly kind: 'not-opener' }
  | { readonly kind: 'code' }
  /** Burnt and refused. */
  | { readonly kind: 'not-front'; readonly step: number }
  | { readonly kind: 'approved'; readonly step: number; readonly request: QueuedRequest };

export interface Submitted {
  readonly verdict: Verdict;
  /** Differs from the state given where something was burnt or counted; to be made durable before the answer. */
  readonly state: OperatorState;
}

/** QUEUE-6. */
export const needsMatch = (state: OperatorState, now: Now): boolean =>
  state.waiting.length > 0 || (state.leftBootMs !== null && now.bootMs - state.leftBootMs < TOTP_LIMITS.matchAfterLeaveMs);

/** Only the terminal that asked may see the plaintext it asks for (QUEUE-11). */
const wantsOpener = (request: QueuedRequest): boolean => request.action?.verb === 'credentials.get';

/** Everything that is compared before the code is looked at. */
const decideBeforeCode = (state: OperatorState, submission: Submission, now: Now): Verdict | null => {
  if (isLockedOut(state, submission.channel)) return { kind: 'locked-out' };
  const named = pendingOf(state).find((one) => one.id === submission.request);
  if (named !== undefined && named.digest !== submission.digest) return { kind: 'digest' };
  if (named === undefined || named !== state.front) return null;
  if (submission.match === null && needsMatch(state, now)) return { kind: 'match-missing' };
  if (submission.match !== null && submission.match !== named.match) return { kind: 'match-wrong' };
  return wantsOpener(named) && !submission.isOpener ? { kind: 'not-opener' } : null;
};

/** Pure. The caller makes `state` durable before it acts on the verdict. */
export const decideSubmission = (state: OperatorState, submission: Submission, now: Now, findStep: FindStep): Submitted => {
  const early = decideBeforeCode(state, submission, now);
  if (early !== null) return { verdict: early, state };
  const step = findStep([...acceptableSteps(state, now), ...spentStep(state, now)]);
  // Refused like any other, but no guess: a code that came twice must not lock its operator out.
  if (step === state.lastStep) return { verdict: { kind: 'code' }, state };
  if (step === null) return { verdict: { kind: 'code' }, state: countFailure(state, submission.channel) };
  const burnt = burnStep(state, step, submission.channel);
  if (state.front?.id !== submission.request) return { verdict: { kind: 'not-front', step }, state: burnt };
  return { verdict: { kind: 'approved', step, request: state.front }, state: burnt };
};
