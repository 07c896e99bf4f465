/** A line on stderr for what takes longer than a second, and another every five, so that nothing looks stuck. */
import type { Context } from '../context.js';
import { note } from '../output.js';

const FIRST_MS = 1000;
const EVERY_MS = 5000;

/** Runs `work` and says `what` while it lasts. */
export const withProgress = async <T>(context: Context, what: string, work: Promise<T>): Promise<T> => {
  const startedMs = performance.now();
  const tell = (): void => note(context, `airlock: ${what} … ${Math.round((performance.now() - startedMs) / 1000)} s`);
  const timers = [setTimeout(tell, FIRST_MS), setInterval(tell, EVERY_MS)];
  try {
    return await work;
  } finally {
    for (const timer of timers) clearInterval(timer);
  }
};
