/**
 * RRULE, checked part by part (RFC 5545 §3.3.10) before anything expands it.
 *
 * CAL-12  A rule with a part that is unknown, out of range or longer than its range is not expanded at all.
 */
import { parseWall } from '../ics/stamp.js';

const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'] as const;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

export type Frequency = (typeof FREQUENCIES)[number];

/** UNTIL as it stands there: a wall time, or with `isUtc` an instant. */
export interface Until {
  readonly wallMs: number;
  readonly isDate: boolean;
  readonly isUtc: boolean;
}

export interface Rule {
  readonly freq: Frequency;
  readonly interval: number;
  readonly count: number | null;
  readonly until: Until | null;
  readonly wkst: string;
  /** BYDAY with its ordinals, such as `-1FR`. */
  readonly byDay: readonly string[] | null;
  /** The other BY parts by the name rrule-temporal has for them. */
  readonly by: Readonly<Record<string, readonly number[]>>;
}

interface Range {
  readonly as: string;
  readonly min: number;
  readonly max: number;
  /** Whether it may count from the end. */
  readonly signed?: true;
}

const RANGES: Readonly<Record<string, Range>> = {
  bysecond: { as: 'bySecond', min: 0, max: 59 },
  byminute: { as: 'byMinute', min: 0, max: 59 },
  byhour: { as: 'byHour', min: 0, max: 23 },
  bymonthday: { as: 'byMonthDay', min: 1, max: 31, signed: true },
  byyearday: { as: 'byYearDay', min: 1, max: 366, signed: true },
  byweekno: { as: 'byWeekNo', min: 1, max: 53, signed: true },
  bymonth: { as: 'byMonth', min: 1, max: 12 },
  bysetpos: { as: 'bySetPos', min: 1, max: 366, signed: true },
};

const KNOWN = new Set(['freq', 'interval', 'count', 'until', 'wkst', 'byday', ...Object.keys(RANGES)]);
const MAX_INTERVAL = 100_000;
const MAX_COUNT = 1_000_000;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const numbersOf = (value: unknown, { min, max, signed }: Range): number[] | null => {
  const numbers = [...new Set(listOf(value).map(Number))].sort((one, other) => one - other);
  const fits = (one: number): boolean => {
    const size = signed === true ? Math.abs(one) : one;
    return Number.isInteger(one) && size >= min && size <= max;
  };
  return numbers.length > 0 && numbers.every(fits) ? numbers : null;
};

const isByDay = (value: unknown, freq: Frequency): boolean => {
  const [, ordinal, day] = /^([+-]?[0-9]{1,2})?([A-Z]{2})$/.exec(String(value)) ?? [];
  if (day === undefined || !WEEKDAYS.includes(day)) return false;
  if (ordinal === undefined) return true;
  const size = Math.abs(Number(ordinal));
  return size >= 1 && size <= 53 && (freq === 'MONTHLY' || freq === 'YEARLY');
};

const wholeNumber = (value: unknown, most: number): number | null => {
  const number = Number(value);
  return Number.isInteger(number) && number >= 1 && number <= most ? number : null;
};

/** The BY parts that are numbers; null where one is out of range. */
const partsOf = (recur: Readonly<Record<string, unknown>>): Record<string, readonly number[]> | null => {
  const by: Record<string, readonly number[]> = {};
  for (const [name, range] of Object.entries(RANGES)) {
    if (recur[name] === undefined) continue;
    const numbers = numbersOf(recur[name], range);
    if (numbers === null) return null;
    by[range.as] = numbers;
  }
  return by;
};

const byDayOf = (recur: Readonly<Record<string, unknown>>, freq: Frequency): readonly string[] | null | undefined => {
  if (recur['byday'] === undefined) return null;
  const days = [...new Set(listOf(recur['byday']).map((day) => String(day).replace('+', '')))];
  return days.length <= 371 && days.every((day) => isByDay(day, freq)) ? days : undefined;
};

/** ical.js writes WKST as a number, Sunday being 1. */
const weekStartOf = (value: unknown): string => {
  if (typeof value === 'number') return WEEKDAYS[(value + 5) % 7] ?? '';
  return value === undefined ? 'MO' : typeof value === 'string' ? value : '';
};

/** @param value jCal's recur. @returns null where the rule cannot be expanded as it stands. */
export const parseRule = (value: unknown): Rule | null => {
  if (typeof value !== 'object' || value === null) return null;
  const recur = value as Readonly<Record<string, unknown>>;
  if (Object.keys(recur).some((name) => !KNOWN.has(name) && !name.startsWith('x-'))) return null;
  const freq = FREQUENCIES.find((one) => one === recur['freq']);
  if (freq === undefined) return null;
  const interval = wholeNumber(recur['interval'] ?? 1, MAX_INTERVAL);
  const count = recur['count'] === undefined ? null : wholeNumber(recur['count'], MAX_COUNT);
  const until = typeof recur['until'] === 'string' ? parseWall(recur['until']) : null;
  const wkst = weekStartOf(recur['wkst']);
  const by = partsOf(recur);
  const byDay = byDayOf(recur, freq);
  if (interval === null || by === null || byDay === undefined || !WEEKDAYS.includes(wkst)) return null;
  if ((recur['count'] !== undefined && count === null) || (recur['until'] !== undefined && until === null)) return null;
  return { freq, interval, count, until, wkst, byDay, by };
};
