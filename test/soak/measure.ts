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
  /** By how much the pace of the last quarter or half is above the one before, over the length of the run. */
  readonly lateLivePercent: number;
  readonly memoryPercent: number;
  readonly descriptors: number;
  /** Quarters that end with more than any before them had at their least. */
  readonly descriptorSteps: number;
  readonly children: number;
}

const QUARTERS = 4;

const toTenth = (value: number): number => Math.round(value * 10) / 10;
const percent = (before: number, after: number): number => (before === 0 ? 0 : toTenth((after / before - 1) * 100));
const middleOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const floorOf = (values: readonly number[]): number => Math.min(...values);
const topOf = (values: readonly number[]): number => Math.max(0, ...values);

/** Theil–Sen: the median of the slopes between any two, which neither single values nor one step move. */
const paceOf = (values: readonly number[]): number =>
  middleOf(values.flatMap((from, at) => values.slice(at + 1).map((to, more) => (to - from) / (more + 1))));

/** So many times what is usual from one to the next: a rise that sticks out. */
const STEP = 6;

/** One rise that sticks out and stays is a buffer that doubled, and is taken out; a second one is not. */
const withoutStep = (values: readonly number[]): readonly number[] => {
  const rises = values.slice(1).map((value, before) => Math.min(value, values[before + 2] ?? value) - (values[before] ?? value));
  const most = topOf(rises);
  if (most <= STEP * middleOf(rises.map(Math.abs))) return values;
  return values.map((value, at) => (at > rises.indexOf(most) ? value - most : value));
};

/**
 * A leak that begins late quickens a pace that otherwise only slows down, as code is compiled and tables fill up: the last quarter,
 * and the last half, against what was before.
 */
const quickening = (values: readonly number[], size: number): number => {
  const usual = middleOf(values.slice(-2 * size));
  if (usual === 0) return 0;
  const warm = withoutStep(values.slice(size));
  const since = (count: number): number => paceOf(warm.slice(-count)) - paceOf(warm.slice(0, -count));
  return toTenth((100 * values.length * Math.max(since(size), since(2 * size))) / usual);
};

const stepsOf = (floors: readonly number[]): number =>
  floors.filter((floor, at) => at > 0 && floor > topOf(floors.slice(0, at))).length;

/**
 * Quarters of the run against each other; the first is for warming up. What leaks, leaks in each: the smaller of both rises, twice. A
 * table that is full from then on, or a buffer that doubles, is one step. What is alive is exact but for what is just under way: floor
 * against floor. What is resident goes up and down by a tenth with the pages that an allocator keeps: a leak lifts even its floor above
 * what was usual before.
 */
export const driftOf = (samples: readonly Sample[]): Drift => {
  const size = Math.floor(samples.length / QUARTERS);
  const quarters = (of: (one: Sample) => number): readonly (readonly number[])[] =>
    [0, 1, 2, 3].map((at) => samples.slice(at * size, at === 3 ? undefined : (at + 1) * size).map(of));
  const steady = (of: (one: Sample) => number, before: (values: readonly number[]) => number): number => {
    const [, second = [], third = [], last = []] = quarters(of);
    const rises = [percent(before(second), floorOf(third)), percent(before(third), floorOf(last))];
    return toTenth(2 * floorOf(rises));
  };
  const grown = (of: (one: Sample) => number): number => {
    const [, second = [], , last = []] = quarters(of);
    return topOf(last) - topOf(second);
  };
  const liveKb = (one: Sample): number => one.liveKb;
  const descriptors = (one: Sample): number => one.descriptors;
  return {
    livePercent: steady(liveKb, floorOf),
    lateLivePercent: quickening(samples.map(liveKb), size),
    memoryPercent: steady((one) => one.memoryKb, middleOf),
    descriptors: grown(descriptors),
    descriptorSteps: stepsOf(quarters(descriptors).map(floorOf)),
    children: grown((one) => one.children),
  };
};

/**
 * quality.md: memory drift at most 5 %; of one that begins late, as much as the noise of a quarter leaves. Nothing else may grow, but
 * for a socket that is just being closed, and one descriptor that is opened for good, however long the run.
 */
export const LIMITS = {
  livePercent: 5,
  lateLivePercent: 3,
  memoryPercent: 5,
  descriptors: 2,
  descriptorSteps: 1,
  children: 0,
} as const satisfies Drift;

export const problemsOf = (name: string, drift: Drift): string[] =>
  (Object.keys(LIMITS) as (keyof Drift)[])
    .filter((key) => drift[key] > LIMITS[key])
    .map((key) => `${name}: ${key} rose by ${drift[key]}, at most ${LIMITS[key]}`);
