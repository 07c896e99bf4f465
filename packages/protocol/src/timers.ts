/** Timers as a parameter, so that tests and the clock file decide when time passes. */
import { performance } from 'node:perf_hooks';

export interface TimerHandle {
  /** Idempotent; after it the function is not called. */
  cancel(): void;
}

export interface Timers {
  /** Calls `fn` once, not before `ms` milliseconds have passed. */
  after(ms: number, fn: () => void): TimerHandle;
  /** Milliseconds that never go back, from an arbitrary start: for measuring, not for showing. */
  nowMs(): number;
}

/** setTimeout takes at most 2^31 - 1 ms and fires at once beyond it. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Timers of the process; a pending one keeps it alive until cancelled. */
export const systemTimers: Timers = {
  after: (ms, fn) => {
    const timer = setTimeout(fn, Math.min(Math.max(0, ms), MAX_TIMEOUT_MS));
    return { cancel: () => clearTimeout(timer) };
  },
  nowMs: () => performance.now(),
};
