/** What a process holds, seen from outside, and whether that drifts. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Sample {
  /** Heap and buffers that are alive after a full collection, in KiB; 0 where it is not this code's process. */
  readonly liveKb: number;
  /** Resident bytes that are the process's own, in KiB. */
  readonly memoryKb: number;
  readonly descriptors: number;
  readonly children: number;
}

const numberOf = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(text)?.[1] ?? 0);
const KIB = 1024;

export const sampleOf = (pid: number, liveBytes = 0): Sample => ({
  liveKb: Math.round(liveBytes / KIB),
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

export interface Drift {
  readonly livePercent: number;
  readonly memoryPercent: number;
  readonly descriptors: number;
  readonly children: number;
}

const QUARTERS = 4;

const percent = (before: number, after: number): number => (before === 0 ? 0 : Math.round((after / before - 1) * 1000) / 10);
const middleOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const floorOf = (values: readonly number[]): number => Math.min(...values);
const topOf = (values: readonly number[]): number => Math.max(0, ...values);

/**
 * Quarters of the run against each other; the first is for warming up. What leaks, leaks in each: the smaller of both rises, twice. A
 * table that is full from then on, or a buffer that doubles, is one step. What is alive is exact but for what is just under way: floor
 * against floor. What is resident goes up and down by a tenth with the pages that an allocator keeps: a leak lifts even its floor above
 * what was usual before.
 */
export const driftOf = (samples: readonly Sample[]): Drift => {
  const size = Math.floor(samples.length / QUARTERS);
  const parts = (of: (one: Sample) => number): readonly (readonly number[])[] =>
    [1, 2, 3].map((at) => samples.slice(at * size, at === 3 ? undefined : (at + 1) * size).map(of));
  const steady = (of: (one: Sample) => number, before: (values: readonly number[]) => number): number => {
    const [second = [], third = [], last = []] = parts(of);
    const rises = [percent(before(second), floorOf(third)), percent(before(third), floorOf(last))];
    return Math.round(20 * floorOf(rises)) / 10;
  };
  const grown = (of: (one: Sample) => number): number => {
    const [second = [], , last = []] = parts(of);
    return topOf(last) - topOf(second);
  };
  return {
    livePercent: steady((one) => one.liveKb, floorOf),
    memoryPercent: steady((one) => one.memoryKb, middleOf),
    descriptors: grown((one) => one.descriptors),
    children: grown((one) => one.children),
  };
};

/** quality.md: memory drift at most 5 %; nothing else may grow, but for a socket that is just being closed. */
export const LIMITS = { livePercent: 5, memoryPercent: 5, descriptors: 2, children: 0 } as const;

export const problemsOf = (name: string, drift: Drift): string[] =>
  (['livePercent', 'memoryPercent', 'descriptors', 'children'] as const)
    .filter((key) => drift[key] > LIMITS[key])
    .map((key) => `${name}: ${key} rose by ${drift[key]}, at most ${LIMITS[key]}`);
