/** Points in time and durations as RFC 5545 §3.3.4 to §3.3.6 and §3.3.14 write them. */
import { DAY } from '../limits.js';
import { toInstant, UTC, type Zone } from '../zones/zone.js';
import type { Property } from './component.js';

/** A time on somebody's wall. A day (`isDate`) is its midnight. */
export interface Stamp {
  readonly wallMs: number;
  readonly isDate: boolean;
  /** null: floating, read in the zone of whoever looks. */
  readonly zone: Zone | null;
}

/** `DURATION`: days on the calendar, then exact time. */
export interface Duration {
  readonly days: number;
  readonly exactMs: number;
}

/** Finds the zone of a TZID; null where nothing is known of it. */
export type ZoneOf = (tzid: string) => Zone | null;

const TIME = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(Z?))?$/;

/** Milliseconds of `YYYY-MM-DD[THH:MM:SS]` as a wall shows it, or null where there is no such day or time. */
export const parseWall = (
  text: string,
): { readonly wallMs: number; readonly isDate: boolean; readonly isUtc: boolean } | null => {
  const [whole, year = '', month = '', day = '', hour, minute, second, z] = TIME.exec(text) ?? [];
  if (whole === undefined || year === '0000') return null;
  const midnight = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).getUTCDate() !== Number(day)) return null;
  if (hour === undefined) return { wallMs: midnight, isDate: true, isUtc: false };
  // RFC 5545 §3.3.12: 60 is a leap second; it is shown as the second before.
  const [h, m, s] = [Number(hour), Number(minute), Math.min(59, Number(second))];
  if (h > 23 || m > 59 || Number(second) > 60) return null;
  return { wallMs: midnight + ((h * 60 + m) * 60 + s) * 1000, isDate: false, isUtc: z === 'Z' };
};

const stampOf = (value: unknown, zone: Zone | null): Stamp | null => {
  const wall = typeof value === 'string' ? parseWall(value) : null;
  if (wall === null) return null;
  return { wallMs: wall.wallMs, isDate: wall.isDate, zone: wall.isDate ? null : wall.isUtc ? UTC : zone };
};

const zoneOfProperty = ({ parameters }: Property, zoneOf: ZoneOf): Zone | null => {
  const { tzid } = parameters;
  return typeof tzid === 'string' && tzid !== '' ? zoneOf(tzid) : null;
};

/** All times of a property; null where one of them is none. */
export const stampsOf = (property: Property, zoneOf: ZoneOf): readonly Stamp[] | null => {
  const zone = zoneOfProperty(property, zoneOf);
  const stamps = property.values.map((value) => stampOf(Array.isArray(value) ? value[0] : value, zone));
  return stamps.every((stamp) => stamp !== null) ? stamps : null;
};

/** The one time of a property; null where it is none. */
export const stampOfProperty = (property: Property, zoneOf: ZoneOf): Stamp | null => stampsOf(property, zoneOf)?.[0] ?? null;

const DURATION = /^([+-]?)P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,8})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9})S)?)?$/;

/** Reads `P1DT2H`; a negative one is none. */
export const parseDuration = (text: unknown): Duration | null => {
  const [whole, sign, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = DURATION.exec(String(text)) ?? [];
  if (whole === undefined || sign === '-') return null;
  const exactMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return { days: Number(weeks) * 7 + Number(days), exactMs };
};

/** The instant of a stamp; `local` is the zone of whoever looks. */
export const instantOf = (stamp: Stamp, local: Zone): number => toInstant(stamp.zone ?? local, stamp.wallMs);

/** Midnight of the day on the wall. */
export const wallDay = (wallMs: number): number => Math.floor(wallMs / DAY) * DAY;
