/** What a process holds, seen from outside, and whether that drifts. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Sample {
  /** Resident bytes that are the process's own, in KiB. */
  readonly memoryKb: number;
  readonly descriptors: number;
  readonly children: number;
}

const numberOf = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(text)?.[1] ?? 0);

export const sampleOf = (pid: number): Sample => ({
  memoryKb: numberOf(readFileSync(`/proc/${pid}/status`, 'utf8'), 'RssAnon'),
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((one) => one.trim() !== '').length,
});

/** Established connections of this network namespace to a port of 127.0.0.1. */
export const connectionsTo = (port: number): number => {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => line.trim().split(/\s+/)[2] === address && line.trim().split(/\s+/)[3] === '01').length;
};

/** A garbage-collected heap goes up and down: its floor is what may not rise. */
const floorOf = (samples: readonly Sample[]): number => Math.min(...samples.map(({ memoryKb }) => memoryKb));

export interface Drift {
  readonly memoryPercent: number;
  readonly descriptors: number;
  readonly children: number;
}

const THIRDS = 3;

/** The last third against the middle one; the first is for warming up. */
export const driftOf = (samples: readonly Sample[]): Drift => {
  const third = Math.floor(samples.length / THIRDS);
  const middle = samples.slice(third, 2 * third);
  const last = samples.slice(2 * third);
  const most = (part: readonly Sample[], of: (one: Sample) => number): number => Math.max(0, ...part.map(of));
  return {
    memoryPercent: Math.round((floorOf(last) / floorOf(middle) - 1) * 1000) / 10,
    descriptors: most(last, (one) => one.descriptors) - most(middle, (one) => one.descriptors),
    children: most(last, (one) => one.children) - most(middle, (one) => one.children),
  };
};

/** quality.md: memory drift at most 5 %; nothing else may grow, but for a socket that is just being closed. */
export const LIMITS = { memoryPercent: 5, descriptors: 2, children: 0 } as const;

export const problemsOf = (name: string, drift: Drift): string[] =>
  (['memoryPercent', 'descriptors', 'children'] as const)
    .filter((key) => drift[key] > LIMITS[key])
    .map((key) => `${name}: ${key} rose by ${drift[key]}, at most ${LIMITS[key]}`);
