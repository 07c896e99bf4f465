/** Time zones as offsets: wall time to instant and back, whatever the rules of the zone come from. */
import { Temporal } from 'temporal-polyfill';
import { DAY } from '../limits.js';

/**
 * Wall times are milliseconds since 1970 as if the clock on the wall showed UTC; instants are milliseconds since 1970 UTC.
 */
export interface Zone {
  /** IANA name; null for a zone that a file defines itself. */
  readonly name: string | null;
  /** Milliseconds that the wall is ahead of UTC at an instant. */
  offsetMs(instantMs: number): number;
}

/** Offsets of the zones in use change at full quarters of an hour, and never twice in a week. */
const QUARTER_MS = 900_000;
const WEEK_MS = 7 * DAY;
const MAX_KEPT = 4096;

/** An offset written in full, such as `+01:00`. */
export const fixedZone = (offsetMs: number, name: string | null = null): Zone => ({ name, offsetMs: () => offsetMs });

export const UTC: Zone = fixedZone(0, 'UTC');

/** Remembers what was looked up: asking the time zone database takes about 0.1 ms. */
const remembered = (look: (key: number) => number): ((key: number) => number) => {
  const kept = new Map<number, number>();
  return (key) => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const value = look(key);
    kept.set(key, value);
    return value;
  };
};

const makeIana = (name: string): Zone => {
  const look = (instantMs: number): number =>
    Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(name).offsetNanoseconds / 1e6;
  const ofWeek = remembered((week) => look(week * WEEK_MS));
  const ofQuarter = remembered((quarter) => look(quarter * QUARTER_MS));
  return {
    name,
    offsetMs: (instantMs) => {
      const week = Math.floor(instantMs / WEEK_MS);
      const offset = ofWeek(week);
      return ofWeek(week + 1) === offset ? offset : ofQuarter(Math.floor(instantMs / QUARTER_MS));
    },
  };
};

const ZONES = new Map<string, Zone | null>([['UTC', UTC]]);
const NAME = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/;
const MAX_ZONES = 512;

const openIana = (name: string): Zone | null => {
  if (name.length > 64 || !NAME.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone === 'UTC' ? UTC : makeIana(name);
  } catch {
    return null;
  }
};

/** The zone of an IANA name, or null where the time zone database has none. */
export const ianaZone = (name: string): Zone | null => {
  const known = ZONES.get(name);
  if (known !== undefined) return known;
  const zone = openIana(name);
  if (ZONES.size >= MAX_ZONES) ZONES.clear();
  ZONES.set(name, zone);
  return zone;
};

/** The zone this machine is set to. */
export const systemZone = (): Zone => ianaZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? UTC;

/** Wall time of an instant. */
export const toWall = (zone: Zone, instantMs: number): number => instantMs + zone.offsetMs(instantMs);

interface Reading {
  readonly instantMs: number;
  /** False where the clock was moved past this wall time. */
  readonly exists: boolean;
}

/** RFC 5545 §3.3.5: of two readings the first; in a gap the offset before it. */
export const readWall = (zone: Zone, wallMs: number): Reading => {
  const before = zone.offsetMs(wallMs - DAY);
  const after = zone.offsetMs(wallMs + DAY);
  const first = wallMs - before;
  if (zone.offsetMs(first) === before) return { instantMs: first, exists: true };
  const second = wallMs - after;
  if (zone.offsetMs(second) === after) return { instantMs: second, exists: true };
  return { instantMs: first, exists: false };
};

export const toInstant = (zone: Zone, wallMs: number): number => readWall(zone, wallMs).instantMs;

/** Midnight of the day that an instant falls on, as wall time. */
export const dayOf = (zone: Zone, instantMs: number): number => Math.floor(toWall(zone, instantMs) / DAY) * DAY;

const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');

/** `YYYY-MM-DD` of a wall time. */
export const formatDay = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10);

/** `2025-03-30T09:00:00+02:00`: an instant as the wall of a zone shows it. */
export const formatInstant = (zone: Zone, instantMs: number): string => {
  const offset = zone.offsetMs(instantMs);
  const minutes = Math.trunc(Math.abs(offset) / 60_000);
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(instantMs + offset).toISOString().slice(0, 19)}${sign}${two(minutes / 60)}:${two(minutes % 60)}`;
};
