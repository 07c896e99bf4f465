/**
 * Zones that a file defines itself in VTIMEZONE (RFC 5545 §3.6.5).
 *
 * CAL-11  Parts of a zone and their onsets are bounded; a zone that is broken or endless counts as unknown.
 */
import { innerBlocks, readProperties, type Properties } from '../ics/component.js';
import type { Block } from '../ics/scan.js';
import { parseWall } from '../ics/stamp.js';
import { LIMITS } from '../limits.js';
import { expandRule } from '../recur/expand.js';
import { parseRule } from '../recur/rule.js';
import type { Zone } from './zone.js';

/** From `atMs` on the wall is `toMs` ahead of UTC. */
interface Onset {
  readonly atMs: number;
  readonly toMs: number;
}

const WANTED: ReadonlySet<string> = new Set(['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO', 'RRULE', 'RDATE']);
/** Exchange begins its zones in 1601; nobody's calendar goes back before 1970 or beyond 2100. */
const FIRST_MS = Date.UTC(1970, 0, 1);
const LAST_MS = Date.UTC(2100, 0, 1);

const firstValue = ({ all }: Properties, name: string): unknown => all.find((property) => property.name === name)?.values[0];

const offsetOf = (value: unknown): number | null => {
  const [, sign, hours, minutes, seconds = 0] = /^([+-])([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?$/.exec(String(value)) ?? [];
  if (sign === undefined) return null;
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return ms > LIMITS.maxOffsetMs ? null : sign === '-' ? -ms : ms;
};

/** Wall times at which an observance begins, on the wall of the offset before it. */
const wallsOf = (properties: Properties, startMs: number, fromMs: number): number[] => {
  const given = properties.all
    .filter(({ name }) => name === 'RDATE')
    .flatMap(({ values }) => values.map((value) => parseWall(String(value))?.wallMs ?? startMs));
  const recur = firstValue(properties, 'RRULE');
  const rule = recur === undefined ? null : parseRule(recur);
  if (recur !== undefined && rule?.freq !== 'YEARLY') return [startMs, ...given];
  if (rule === null) return [startMs, ...given];
  const { walls } = expandRule(rule, startMs, {
    fromMs: FIRST_MS,
    toMs: LAST_MS,
    most: LIMITS.maxOnsets,
    untilWall: (until) => (until.isUtc ? until.wallMs + fromMs : until.wallMs),
  });
  return [startMs, ...given, ...walls];
};

const onsetsOf = (block: Block): readonly Onset[] => {
  const properties = readProperties(block, WANTED);
  const start = parseWall(String(firstValue(properties, 'DTSTART')));
  const fromMs = offsetOf(firstValue(properties, 'TZOFFSETFROM'));
  const toMs = offsetOf(firstValue(properties, 'TZOFFSETTO'));
  if (start === null || fromMs === null || toMs === null) return [];
  return wallsOf(properties, start.wallMs, fromMs).map((wallMs) => ({ atMs: wallMs - fromMs, toMs }));
};

/** The offset before the first onset: that of the earliest standard time, else none. */
const lastBefore = (onsets: readonly Onset[], instantMs: number): Onset | undefined => {
  let [low, high] = [0, onsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((onsets[middle]?.atMs ?? 0) <= instantMs) low = middle + 1;
    else high = middle;
  }
  return onsets[low - 1] ?? onsets[0];
};

/** The zone of a VTIMEZONE, or null where it has no part that can be read. @param name IANA name where one is known */
export const customZone = (block: Block, name: string | null): Zone | null => {
  const parts = innerBlocks(block, ['STANDARD', 'DAYLIGHT'], LIMITS.maxObservances);
  const onsets = parts.flatMap(onsetsOf).sort((one, other) => one.atMs - other.atMs);
  if (onsets.length === 0) return null;
  return { name, offsetMs: (instantMs) => lastBefore(onsets, instantMs)?.toMs ?? 0 };
};
