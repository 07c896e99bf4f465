/** A clock that a test sets: the file holds `wallMs bootMs` and is read at every use. Development only. */
import { readFileSync } from 'node:fs';
import { systemClock, type Clock } from '@airlock/protocol';

/** @param path undefined: the system's clock */
export const clockOf = (path: string | undefined): Clock => {
  if (path === undefined) return systemClock;
  let last: readonly [number, number] = [systemClock.wallMs(), systemClock.bootMs()];
  const read = (): readonly [number, number] => {
    const [wallMs, bootMs] = readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
    // A reader may come between truncation and writing: then the last values hold.
    if (wallMs !== undefined && bootMs !== undefined && Number.isFinite(wallMs) && Number.isFinite(bootMs))
      last = [Math.floor(wallMs), Math.floor(bootMs)];
    return last;
  };
  return { wallMs: () => read()[0], bootMs: () => read()[1] };
};
