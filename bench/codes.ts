/** Codes by the machine's own clock: three in a minute and a half, so whoever needs more has to wait. */
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 1000;
const PATIENCE_MS = 60_000;

/** Does what takes a fresh code, as soon as there is one. @throws Error whatever else it throws, or when no code comes */
export const withFreshCode = async <T>(use: () => Promise<T>): Promise<T> => {
  const start = performance.now();
  for (;;) {
    try {
      return await use();
    } catch (error) {
      const isWaiting = error instanceof Error && error.message === 'every code of the window was used';
      if (!isWaiting || performance.now() - start > PATIENCE_MS) throw error;
      await sleep(RETRY_MS);
    }
  }
};
