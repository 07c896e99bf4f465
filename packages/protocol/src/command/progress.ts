/** Says what a command waits for once that takes more than a second: a line, or on a terminal one that turns and goes away. */
import type { TimerHandle, Timers } from '../timers.js';

/** What takes less is not worth a line. */
const PATIENCE_MS = 1000;
const TURN_MS = 100;
const FRAMES = ['|', '/', '-', '\\'] as const;
/** Back to the first column, and the rest of the line erased (ECMA-48 §8.3.41). */
const ERASE = '\r\u001b[K';

export interface ProgressDisplay {
  /** stderr. */
  readonly err: (text: string) => void;
  /** Is that a terminal? */
  readonly isTerminal: boolean;
  /** With --json nothing is said. */
  readonly isSilent: boolean;
  readonly timers: Timers;
}

/** Shows that `what` is waited for until the promise settles. @returns what the promise does */
export const whileWaiting = async <T>(
  { err, isTerminal, isSilent, timers }: ProgressDisplay,
  what: string,
  promise: Promise<T>,
): Promise<T> => {
  if (isSilent) return promise;
  const startMs = timers.nowMs();
  let turns = 0;
  let timer: TimerHandle | null = null;
  const turn = (): void => {
    const waitedS = Math.round((timers.nowMs() - startMs) / 1000);
    err(`${ERASE}${FRAMES[turns % FRAMES.length] ?? ''} waiting for ${what} (${waitedS} s)`);
    turns += 1;
    timer = timers.after(TURN_MS, turn);
  };
  timer = timers.after(PATIENCE_MS, () => {
    if (isTerminal) turn();
    else err(`airlock: waiting for ${what}\n`);
  });
  try {
    return await promise;
  } finally {
    timer.cancel();
    if (turns > 0) err(ERASE);
  }
};
