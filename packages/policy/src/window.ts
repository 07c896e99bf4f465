/**
 * Times of the week in a time zone.
 *
 * WINDOW-1  `from` is in, `to` is not; where `from` is later than `to` the window goes past midnight and belongs to the day it begins on.
 * WINDOW-2  clocks that change (daylight saving) are those of the zone: 09:00 is what its clocks show.
 */
import type { TimeWindow } from './rule.js';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const MINUTES_A_DAY = 1440;

interface LocalTime {
  /** 0: Monday. */
  readonly day: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone there is not */
const formatOf = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone } as const;
  const format = new Intl.DateTimeFormat('en-GB', options);
  formats.set(zone, format);
  return format;
};

export const isZone = (zone: string): boolean => {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
};

/** Of each zone, the last minute that was asked for: many rules ask about the same one, and the answer takes microseconds. */
const lastMinutes = new Map<string, { readonly minute: number; readonly local: LocalTime }>();

const readLocalTime = (zone: string, nowMs: number): LocalTime => {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = DAYS.findIndex((name) => name === parts['weekday']?.toLowerCase());
  return { day, minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
};

/** Clocks of all zones have changed at full minutes since 1972. */
const localTime = (zone: string, nowMs: number): LocalTime => {
  const minute = Math.floor(nowMs / 60_000);
  const last = lastMinutes.get(zone);
  if (last?.minute === minute) return last.local;
  const local = readLocalTime(zone, nowMs);
  lastMinutes.set(zone, { minute, local });
  return local;
};

const minutesOf = (text: string): number => {
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return hour * 60 + minute;
};

export type InWindow = (nowMs: number) => boolean;

/** The zone's formatter is made here, so that a decision never makes one. */
export const compileWindow = ({ days = DAYS, from = '00:00', to = '24:00', zone }: TimeWindow): InWindow => {
  formatOf(zone);
  const wanted = new Set(days.map((day) => DAYS.findIndex((name) => name === day)));
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const isWithin = ({ day, minute }: LocalTime): boolean => {
    if (begin < end) return wanted.has(day) && minute >= begin && minute < end;
    return (wanted.has(day) && minute >= begin) || (wanted.has((day + 6) % 7) && minute < end % MINUTES_A_DAY);
  };
  return (nowMs) => isWithin(localTime(zone, nowMs));
};
