/** A clock that a test moves: `wallMs bootMs` in a file, read at every use. Development only. */
import { readFileSync } from 'node:fs';
import type { Clock } from '@airlock/protocol';

interface Instant {
  readonly wallMs: number;
  readonly bootMs: number;
}

const parseInstant = (text: string): Instant | null => {
  const [, wall, boot] = /^\s*([0-9]{1,15})\s+([0-9]{1,15})\s*$/.exec(text) ?? [];
  return wall === undefined || boot === undefined ? null : { wallMs: Number(wall), bootMs: Number(boot) };
};

/** A file that is being written may be empty for a moment: then the time before stands. @throws Error where none ever stood there. */
export const fileClock = (path: string): Clock => {
  let last: Instant | null = null;
  const read = (): Instant => {
    last = parseInstant(readFileSync(path, 'utf8')) ?? last;
    if (last === null) throw new Error(`${path}: expected "wallMs bootMs"`);
    return last;
  };
  return { wallMs: () => read().wallMs, bootMs: () => read().bootMs };
};
