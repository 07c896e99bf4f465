/**
 * From an event and its changed instances to what happens in a window (RFC 5545 §3.8.4.4, §3.8.5).
 *
 * CAL-14  An instance that was changed stands where it was moved to, and nowhere else.
 * CAL-15  An instance named by EXDATE is not there; one that the clock was moved past is not there either (§3.3.10).
 */
import type { Series } from '../ics/calendar-text.js';
import type { Entry, Span } from '../ics/event.js';
import { instantOf, wallDay, type Stamp } from '../ics/stamp.js';
import { DAY, LIMITS } from '../limits.js';
import { readWall, toInstant, toWall, type Zone } from '../zones/zone.js';
import { expandRule } from './expand.js';
import type { Rule, Until } from './rule.js';

/** Half open: what ends at `fromMs` or begins at `toMs` is outside. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Instance {
  readonly series: Series;
  /** What it looks like: the event itself or a changed instance. */
  readonly entry: Entry;
  readonly startMs: number;
  readonly endMs: number;
  readonly isAllDay: boolean;
  /** Where the series had it; null for an event that does not recur. */
  readonly original: Original | null;
}

/** `t` and an instant, `f` and a floating wall time, or `d` and a day's midnight on the wall. */
export type Original = `${'t' | 'f' | 'd'}${number}`;

export interface Found {
  readonly instances: readonly Instance[];
  /** A bound was reached: there may be more. */
  readonly cut: boolean;
}

/** A start that the series has before anything is changed. */
interface Candidate {
  readonly start: Stamp;
  readonly span: Span;
}

/** A recurrence that COUNT ends is counted without the instances that do not exist (§3.3.10), up to here. */
const MAX_RECOUNTED = 1000;

export const isRecurring = ({ master, overrides }: Series): boolean =>
  master === null ? overrides.length > 0 : master.rule !== null || master.extras.length > 0 || overrides.length > 0;

const originalOf = (stamp: Stamp, local: Zone): Original => {
  if (stamp.isDate) return `d${stamp.wallMs}`;
  return stamp.zone === null ? `f${stamp.wallMs}` : `t${instantOf(stamp, local)}`;
};

/** An instance is also meant by its day alone, or by its wall time without a zone: both are found in calendars. */
const namesOf = (stamp: Stamp, local: Zone): readonly Original[] => [
  `t${instantOf(stamp, local)}`,
  `f${stamp.wallMs}`,
  `d${wallDay(stamp.wallMs)}`,
];

/** What an EXDATE or RECURRENCE-ID takes away. Of whole days a time names the day it falls on. */
const meantBy = (stamp: Stamp, master: Entry, local: Zone): Original =>
  master.start.isDate ? `d${wallDay(stamp.wallMs)}` : originalOf(stamp, local);

/** End of an instance: exact after DTEND, days first after DURATION; a day without either lasts one. */
const endOf = (start: Stamp, span: Span, model: Stamp, local: Zone): number => {
  const startMs = instantOf(start, local);
  const zone = start.zone ?? local;
  if (span.kind === 'none') return start.isDate ? toInstant(zone, start.wallMs + DAY) : startMs;
  if (span.kind === 'duration') {
    const { days, exactMs } = span.duration;
    return (days === 0 ? startMs : toInstant(zone, start.wallMs + days * DAY)) + exactMs;
  }
  if (start.isDate) return toInstant(zone, start.wallMs + Math.max(0, span.end.wallMs - model.wallMs));
  return startMs + Math.max(0, instantOf(span.end, local) - instantOf(model, local));
};

/** How long something can last on any wall, rather too long: clocks may be moved meanwhile, and the end be in another zone. */
const spanLength = (start: Stamp, span: Span | null): number => {
  if (span === null || span.kind === 'none') return DAY;
  if (span.kind === 'duration') return span.duration.days * DAY + span.duration.exactMs + DAY;
  return Math.max(0, span.end.wallMs - start.wallMs) + DAY + (span.end.zone === start.zone ? 0 : 2 * LIMITS.maxOffsetMs);
};

const lengthOf = ({ start, span, extras }: Entry): number =>
  extras.reduce((longest, extra) => Math.max(longest, spanLength(extra.start, extra.span)), spanLength(start, span));

const untilWall =
  (zone: Zone, isDate: boolean) =>
  (until: Until): number => {
    if (until.isUtc) return isDate ? wallDay(until.wallMs) : toWall(zone, until.wallMs);
    return until.isDate && !isDate ? until.wallMs + DAY - 1000 : until.wallMs;
  };

/** Wall times of the rule, without those that the zone does not have. */
const ruleWalls = (rule: Rule, start: Stamp, local: Zone, wall: Window): { walls: readonly number[]; cut: boolean } => {
  const zone = start.zone ?? local;
  const exists = (wallMs: number): boolean => start.isDate || wallMs === start.wallMs || readWall(zone, wallMs).exists;
  const counted = rule.count !== null && rule.count <= MAX_RECOUNTED && !start.isDate;
  const { walls, cut } = expandRule(counted ? { ...rule, count: rule.count + 8 } : rule, start.wallMs, {
    fromMs: counted ? start.wallMs : wall.fromMs,
    toMs: wall.toMs,
    most: counted ? MAX_RECOUNTED + 8 : LIMITS.maxInstancesPerSeries,
    untilWall: untilWall(zone, start.isDate),
  });
  const existing = walls.filter(exists);
  const kept = counted ? existing.slice(0, rule.count) : existing;
  return { walls: kept.filter((wallMs) => wallMs >= wall.fromMs), cut };
};

const candidatesOf = (master: Entry, local: Zone, wall: Window): { candidates: Candidate[]; cut: boolean } => {
  const { start, span, rule, extras } = master;
  const { walls, cut } = rule === null ? { walls: [start.wallMs], cut: false } : ruleWalls(rule, start, local, wall);
  const own = [...new Set([start.wallMs, ...walls])].map((wallMs): Candidate => ({ start: { ...start, wallMs }, span }));
  const all = [...own, ...extras.map((extra): Candidate => ({ start: extra.start, span: extra.span ?? span }))];
  const seen = new Set<Original>();
  const near = all.filter(({ start: { wallMs } }) => wallMs >= wall.fromMs && wallMs <= wall.toMs);
  const candidates = near.filter((candidate) => {
    const name = originalOf(candidate.start, local);
    const isNew = !seen.has(name);
    seen.add(name);
    return isNew;
  });
  return { candidates, cut };
};

/** RANGE=THISANDFUTURE: the last such change at or before an instance gives its looks and moves it as far. */
const futureOf = (futures: readonly Entry[], startMs: number, local: Zone): Entry | undefined =>
  futures.findLast(({ recurrenceId }) => recurrenceId !== null && instantOf(recurrenceId, local) <= startMs);

const shiftOf = ({ start, recurrenceId }: Entry): number => start.wallMs - (recurrenceId?.wallMs ?? start.wallMs);

const place = (series: Series, master: Entry, candidate: Candidate, futures: readonly Entry[], local: Zone): Instance => {
  const future = futureOf(futures, instantOf(candidate.start, local), local);
  const original = isRecurring(series) ? originalOf(candidate.start, local) : null;
  const start =
    future === undefined
      ? candidate.start
      : { ...candidate.start, wallMs: candidate.start.wallMs + shiftOf(future), zone: future.start.zone };
  const entry = future ?? master;
  const span = future?.span ?? candidate.span;
  const endMs =
    future === undefined && candidate.span !== master.span
      ? endOf(start, span, start, local)
      : endOf(start, span, entry.start, local);
  return { series, entry, startMs: instantOf(start, local), endMs, isAllDay: start.isDate, original };
};

const changed = (series: Series, override: Entry, local: Zone): Instance => ({
  series,
  entry: override,
  startMs: instantOf(override.start, local),
  endMs: endOf(override.start, override.span, override.start, local),
  isAllDay: override.start.isDate,
  original: originalOf(override.recurrenceId ?? override.start, local),
});

const overlaps = ({ startMs, endMs }: Instance, { fromMs, toMs }: Window): boolean =>
  startMs < toMs && (endMs > fromMs || startMs >= fromMs);

/** Whether it can be in the window, by what the wall shows alone: no zone has to be asked for most events of a calendar. */
const isNear = (entry: Entry, { fromMs, toMs }: Window): boolean =>
  entry.start.wallMs <= toMs + LIMITS.maxOffsetMs && entry.start.wallMs + lengthOf(entry) >= fromMs - LIMITS.maxOffsetMs;

/** All instances of a series that overlap the window; `local` reads floating times and days. */
export const instancesIn = (series: Series, window: Window, local: Zone): Found => {
  const { master, overrides } = series;
  const moved = overrides
    .filter((override) => isNear(override, window))
    .map((override) => changed(series, override, local))
    .filter((instance) => overlaps(instance, window));
  if (master === null) return { instances: moved, cut: false };
  const isOnlyOne = master.rule === null && master.extras.length === 0 && overrides.length === 0;
  if (isOnlyOne && !isNear(master, window)) return { instances: [], cut: false };
  const gone = [...master.exceptions, ...overrides.flatMap(({ recurrenceId }) => (recurrenceId === null ? [] : [recurrenceId]))];
  const excluded = new Set(gone.map((stamp) => meantBy(stamp, master, local)));
  const futures = overrides
    .filter(({ andFuture }) => andFuture)
    .sort((one, other) => instantOf(one.recurrenceId ?? one.start, local) - instantOf(other.recurrenceId ?? other.start, local));
  const shift = Math.min(LIMITS.maxLookBackMs, Math.max(0, ...futures.map((future) => Math.abs(shiftOf(future)))));
  const longest = futures.reduce((length, future) => Math.max(length, lengthOf(future)), lengthOf(master));
  const isOnce = master.rule === null && master.extras.length === 0;
  const back = (isOnce ? longest : Math.min(LIMITS.maxLookBackMs, longest)) + shift + LIMITS.maxOffsetMs;
  const wall = { fromMs: window.fromMs - back, toMs: window.toMs + shift + LIMITS.maxOffsetMs };
  const { candidates, cut } = candidatesOf(master, local, wall);
  const own = candidates
    .filter(({ start }) => !namesOf(start, local).some((name) => excluded.has(name)))
    .map((candidate) => place(series, master, candidate, futures, local))
    .filter((instance) => overlaps(instance, window));
  return { instances: [...own, ...moved], cut };
};

/** Milliseconds on the wall around which an instance is looked for. */
const aroundOf = (original: Original): number => Number(original.slice(1));

/** The instance that an id names; null where the series has it no more. */
export const instanceOf = (series: Series, original: Original | null, local: Zone): Instance | null => {
  const { master, overrides } = series;
  if (original === null) {
    if (master === null || isRecurring(series)) return null;
    return place(series, master, { start: master.start, span: master.span }, [], local);
  }
  const override = overrides.find(({ recurrenceId, start }) => originalOf(recurrenceId ?? start, local) === original);
  if (override !== undefined) return changed(series, override, local);
  const at = aroundOf(original);
  const reach = LIMITS.maxOffsetMs + DAY;
  const shifts = overrides.filter(({ andFuture }) => andFuture).map((one) => Math.abs(shiftOf(one)));
  const far = reach + Math.min(LIMITS.maxLookBackMs, Math.max(0, ...shifts));
  const { instances } = instancesIn(series, { fromMs: at - far, toMs: at + far }, local);
  return instances.find((instance) => instance.original === original) ?? null;
};
