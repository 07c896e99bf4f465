/** The clock file of the development launcher, moved by hand. */
import { renameSync, writeFileSync } from 'node:fs';

export interface HandClock {
  readonly file: string;
  wallMs(): number;
  /** Both clocks go on by as much. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as an administrator or a bad time server would. */
  setWall(ms: number): void;
  /** Boot time alone goes on: a machine that slept while its wall clock was set back. */
  advanceBoot(ms: number): void;
}

/** @param wallMs start; boot time starts at one hour */
export const handClock = (file: string, wallMs: number): HandClock => {
  let wall = wallMs;
  let boot = 3_600_000;
  // Renamed into place: a reader never sees half a line.
  const write = (): void => {
    writeFileSync(`${file}.new`, `${wall} ${boot}\n`);
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    file,
    wallMs: () => wall,
    advance: (ms) => {
      wall += ms;
      boot += ms;
      write();
    },
    setWall: (ms) => {
      wall = ms;
      write();
    },
    advanceBoot: (ms) => {
      boot += ms;
      write();
    },
  };
};
