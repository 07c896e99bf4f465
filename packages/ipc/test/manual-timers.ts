/** Time that passes when a test says so. */
import type { Timers } from '@airlock/protocol';

export interface ManualTimers extends Timers {
  /** Lets `ms` pass: what falls due runs in order. */
  advance(ms: number): void;
  /** Timers that have neither fired nor been cancelled. */
  readonly pending: number;
}

interface Due {
  readonly atMs: number;
  readonly fn: () => void;
}

export const manualTimers = (): ManualTimers => {
  let nowMs = 0;
  const dues = new Set<Due>();
  const next = (untilMs: number): Due | undefined =>
    [...dues].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  return {
    nowMs: () => nowMs,
    after: (ms, fn) => {
      const due = { atMs: nowMs + ms, fn };
      dues.add(due);
      return { cancel: () => void dues.delete(due) };
    },
    advance: (ms) => {
      const untilMs = nowMs + ms;
      for (let due = next(untilMs); due !== undefined; due = next(untilMs)) {
        dues.delete(due);
        nowMs = due.atMs;
        due.fn();
      }
      nowMs = untilMs;
    },
    get pending() {
      return dues.size;
    },
  };
};
