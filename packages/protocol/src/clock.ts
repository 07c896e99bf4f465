/** Two clocks: the wall says what a human sees, boot time (counts suspend, never set back) says what has passed. */
import { uptime } from 'node:os';

export interface Clock {
  /** Milliseconds since 1970, UTC. May jump either way. */
  wallMs(): number;
  /** Milliseconds since boot, suspend included (CLOCK_BOOTTIME). Whole seconds under ProcSubset=pid. */
  bootMs(): number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), bootMs: () => Math.floor(uptime() * 1000) };

/** ISO 8601 UTC with milliseconds, the only form of an instant on the wire. */
export const isoTime = (wallMs: number): string => new Date(wallMs).toISOString();
