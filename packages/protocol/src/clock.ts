/** Two clocks: the wall says what a human sees, boot time (counts suspend, never set back) says what has passed. */
import { uptime } from 'node:os';

export interface Clock {
  /** Milliseconds since 1970, UTC. May jump either way. */
  wallMs(): number;
  /** Milliseconds since boot, suspend included (CLOCK_BOOTTIME). Whole seconds under ProcSubset=pid. */
  bootMs(): number;
}

/** os.uptime() opens a file, 15 µs on a path that a call takes several times; between two readings the monotonic clock counts on. */
const REREAD_MS = 20;

/**
 * Boot time that is read at most every REREAD_MS of running time. A suspend stands still on the monotonic clock,
 * so it is seen REREAD_MS after waking at the latest; the wall clock shows it at once. Never runs backwards.
 * @param readS seconds since boot; @param monotonicMs milliseconds that stand still in suspend
 */
export const bootClock = (readS: () => number, monotonicMs: () => number): (() => number) => {
  let readAtMs = -Infinity;
  let base = 0;
  let last = 0;
  return () => {
    const now = monotonicMs();
    if (now - readAtMs >= REREAD_MS) {
      base = readS() * 1000;
      readAtMs = now;
    }
    last = Math.max(last, Math.floor(base + (now - readAtMs)));
    return last;
  };
};

export const systemClock: Clock = { wallMs: () => Date.now(), bootMs: bootClock(uptime, () => performance.now()) };

/** ISO 8601 UTC with milliseconds, the only form of an instant on the wire. */
export const isoTime = (wallMs: number): string => new Date(wallMs).toISOString();
