/** The window of time that a call asks about, from its parameters and the clock. */
import { refuse, type Arguments } from '../arguments.js';
import { parseWall, type Stamp } from '../ics/stamp.js';
import { DAY, LIMITS } from '../limits.js';
import type { Window } from '../recur/series.js';
import { dayOf, toInstant, type Zone } from '../zones/zone.js';

const EXPECTED = 'a day YYYY-MM-DD or a time such as 2025-03-30T09:00:00 or 2025-03-30T09:00:00+02:00';
const OFFSET = /^(.*T[0-9:]+)([+-])([0-9]{2}):([0-9]{2})$/;

/** A time as agents write it, read in the zone of the call where it has no offset. @throws AirlockError PARAMS_INVALID */
export const readTime = (text: string, field: string, zone: Zone): { readonly stamp: Stamp; readonly ms: number } => {
  const padded = /T[0-9]{2}:[0-9]{2}(?![0-9:])/.test(text) ? text.replace(/T([0-9]{2}:[0-9]{2})/, 'T$1:00') : text;
  const [, local = padded, sign, hours, minutes] = OFFSET.exec(padded) ?? [];
  const wall = parseWall(local);
  if (wall === null || (sign !== undefined && (Number(hours) > 23 || Number(minutes) > 59 || wall.isUtc)))
    return refuse(field, EXPECTED, 'something else');
  const stamp = { wallMs: wall.wallMs, isDate: wall.isDate, zone: null };
  if (wall.isUtc) return { stamp, ms: wall.wallMs };
  if (sign === undefined) return { stamp, ms: toInstant(zone, wall.wallMs) };
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return { stamp, ms: wall.wallMs - (sign === '-' ? -offset : offset) };
};

/** Instant of a parameter; of a day its midnight, or with `through` the end of it. */
const timeOf = (args: Arguments, field: string, zone: Zone, through: boolean): number | undefined => {
  const text = args.text(field, 32);
  if (text === undefined) return undefined;
  const { stamp, ms } = readTime(text, field, zone);
  return stamp.isDate && through ? toInstant(zone, stamp.wallMs + DAY) : ms;
};

/** From midnight to midnight in the zone of the call. */
export const todayWindow = (nowMs: number, zone: Zone): Window => {
  const day = dayOf(zone, nowMs);
  return { fromMs: toInstant(zone, day), toMs: toInstant(zone, day + DAY) };
};

/** From now on; what goes on now is in it. */
export const upcomingWindow = (nowMs: number, days: number): Window => ({ fromMs: nowMs, toMs: nowMs + days * DAY });

const checkWindow = (fromMs: number, toMs: number): Window => {
  if (toMs <= fromMs) return refuse('to', 'a time after `from`', 'an empty window');
  if (toMs - fromMs > LIMITS.maxWindowMs) return refuse('to', 'at most 732 days after `from`', 'a longer window');
  return { fromMs, toMs };
};

/** `from` and `to`, a day in `to` included. @throws AirlockError PARAMS_INVALID */
export const rangeWindow = (args: Arguments, zone: Zone): Window => {
  const from = timeOf(args, 'from', zone, false) ?? refuse('from', EXPECTED, 'nothing');
  const to = timeOf(args, 'to', zone, true) ?? refuse('to', EXPECTED, 'nothing');
  return checkWindow(from, to);
};

const SEARCH_BACK_MS = 30 * DAY;
const SEARCH_AHEAD_MS = 365 * DAY;

/** As `rangeWindow`; where nothing is said, a month back and a year ahead. */
export const searchWindow = (args: Arguments, zone: Zone, nowMs: number): Window => {
  const from = timeOf(args, 'from', zone, false);
  const to = timeOf(args, 'to', zone, true);
  const fromMs = from ?? (to === undefined ? nowMs - SEARCH_BACK_MS : to - SEARCH_AHEAD_MS);
  return checkWindow(fromMs, to ?? (from ?? nowMs) + SEARCH_AHEAD_MS);
};
