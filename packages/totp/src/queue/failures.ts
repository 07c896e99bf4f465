/**
 * Codes given and counted.
 *
 * QUEUE-4  a code's step lies in the window, above the last used step and not below the floor.
 * QUEUE-9  ten failures in a row lock a channel; while it is locked no code is looked at. A good code sets its own
 *          channel's count back and clears the other one if that is locked.
 */
import type { Channel } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import type { Now, OperatorState } from './state.js';

export const isLockedOut = (state: OperatorState, channel: Channel): boolean =>
  state.failures[channel] >= TOTP_LIMITS.maxFailures;

export const triesLeft = (state: OperatorState, channel: Channel): number =>
  Math.max(0, TOTP_LIMITS.maxFailures - state.failures[channel]);

export const countFailure = (state: OperatorState, channel: Channel): OperatorState => ({
  ...state,
  failures: { ...state.failures, [channel]: Math.min(TOTP_LIMITS.maxFailures, state.failures[channel] + 1) },
});

export const clearFailures = (state: OperatorState, channel: Channel): OperatorState => ({
  ...state,
  failures: { ...state.failures, [channel]: 0 },
});

/** The steps a code may belong to now, lowest first: window, above the last used, not below the floor. */
export const acceptableSteps = (state: OperatorState, now: Now): readonly number[] => {
  const steps: number[] = [];
  const first = Math.max(now.step - TOTP_LIMITS.windowSteps, state.lastStep + 1, state.floorStep, 0);
  for (let step = first; step <= now.step + TOTP_LIMITS.windowSteps; step += 1) steps.push(step);
  return steps;
};

/** The last used step, while its code could still be in somebody's hand. */
export const spentStep = (state: OperatorState, now: Now): readonly number[] =>
  state.lastStep >= 0 && state.lastStep >= now.step - TOTP_LIMITS.windowSteps ? [state.lastStep] : [];

const otherChannel = (channel: Channel): Channel => (channel === 'terminal' ? 'relay' : 'terminal');

/** Uses a step up: it and every one before it are spent from here on. */
export const burnStep = (state: OperatorState, step: number, channel: Channel): OperatorState => {
  const burnt = clearFailures({ ...state, lastStep: Math.max(state.lastStep, step) }, channel);
  const other = otherChannel(channel);
  return isLockedOut(burnt, other) ? clearFailures(burnt, other) : burnt;
};

/** Seconds until the phone shows a code that can be accepted; 0 if the one of now can be. */
export const waitForCodeS = (state: OperatorState, now: Now): number => {
  const step = Math.max(state.lastStep + 1, state.floorStep);
  return step <= now.step ? 0 : Math.max(1, Math.ceil(step * now.periodS - now.wallMs / 1000));
};
