/** A clock that a test moves: `wallMs bootMs` in a file, read at every use. Development only. */
import { readFileSync } from 'node:fs';
import { systemClock, type Clock } from '@airlock/protocol';

interface Instant {
  readonly wallMs: number;
  readonly bootMs: number;
}

const INSTANT = /^\s*([0-9]{1,15})\s+([0-9]{1,15})\s*$/;

/** A file that is being written may be empty for a moment: then the time before stands. @param path undefined: the system's clock. */
export const clockOf = (path: string | undefined): Clock => {
  if (path === undefined) return systemClock;
  let last: Instant = { wallMs: systemClock.wallMs(), bootMs: systemClock.bootMs() };
  const read = (): Instant => {
    const [, wall, boot] = INSTANT.exec(readFileSync(path, 'utf8')) ?? [];
    if (wall !== undefined && boot !== undefined) last = { wallMs: Number(wall), bootMs: Number(boot) };
    return last;
  };
  return { wallMs: () => read().wallMs, bootMs: () => read().bootMs };
};
