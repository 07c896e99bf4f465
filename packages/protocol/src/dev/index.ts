/** Overrides of the development launcher, and doubles of tests. Only src/dev/main.ts of a daemon or cell and tests import this; no production bundle contains it. */
import { fstatSync, readFileSync } from 'node:fs';
import { systemClock, type Clock } from '../clock.js';

export * from './bound-socket.js';
export * from './manual-timers.js';

interface Instant {
  readonly wallMs: number;
  readonly bootMs: number;
}

/** `wallMs bootMs`, fractions are dropped. */
const INSTANT = /^\s*([0-9]{1,15})(?:\.[0-9]+)?\s+([0-9]{1,15})(?:\.[0-9]+)?\s*$/;

const readInstant = (path: string): Instant | null => {
  try {
    const [, wall, boot] = INSTANT.exec(readFileSync(path, 'utf8')) ?? [];
    return wall === undefined || boot === undefined ? null : { wallMs: Number(wall), bootMs: Number(boot) };
  } catch {
    return null;
  }
};

/**
 * A clock that a test moves, its file read at every use. A file that is being written may be empty or away for a
 * moment: then the time before stands.
 * @param path undefined: the system's clock
 */
export const clockOf = (path: string | undefined): Clock => {
  if (path === undefined) return systemClock;
  let last: Instant = { wallMs: systemClock.wallMs(), bootMs: systemClock.bootMs() };
  const read = (): Instant => {
    last = readInstant(path) ?? last;
    return last;
  };
  return { wallMs: () => read().wallMs, bootMs: () => read().bootMs };
};

const STDIN = 0;

/** The launcher holds the other end of stdin: when it is gone, however it went, this process ends too. */
export const endWithLauncher = (): void => {
  const stdin = fstatSync(STDIN);
  if (stdin.isFIFO() || stdin.isSocket()) process.stdin.resume().on('end', () => process.kill(process.pid, 'SIGTERM'));
};
