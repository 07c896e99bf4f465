/**
 * Rules to wall times. Expanded as if the wall showed UTC, so that every zone, also one a file defines, is treated alike.
 *
 * CAL-13  Steps and instances of one expansion are bounded; a rule without instances ends.
 */
import { RRuleTemporal } from 'rrule-temporal';
import { Temporal } from 'temporal-polyfill';
import { LIMITS } from '../limits.js';
import type { Rule, Until } from './rule.js';

export interface ExpandWindow {
  readonly fromMs: number;
  /** Included. */
  readonly toMs: number;
  readonly most: number;
  /** UNTIL on the wall of the event. */
  readonly untilWall: (until: Until) => number;
}

export interface Expanded {
  /** In order, each once. */
  readonly walls: readonly number[];
  /** There are more in the window, or nobody can say. */
  readonly cut: boolean;
}

const zoned = (wallMs: number): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO('UTC');

const open = (rule: Rule, startMs: number, window: ExpandWindow): RRuleTemporal =>
  new RRuleTemporal({
    freq: rule.freq,
    interval: rule.interval,
    wkst: rule.wkst,
    tzid: 'UTC',
    dtstart: zoned(startMs),
    cache: false,
    maxIterations: LIMITS.maxIterations,
    ...Object.fromEntries(Object.entries(rule.by).map(([name, values]) => [name, [...values]])),
    ...(rule.byDay === null ? {} : { byDay: [...rule.byDay] }),
    ...(rule.count === null ? {} : { count: rule.count }),
    ...(rule.until === null ? {} : { until: zoned(window.untilWall(rule.until)) }),
  });

/** rrule-temporal throws where a bound is reached: a window too dense is then tried from its beginning. */
const SHRINK = 24;
const TRIES = 4;

const between = (rule: Rule, startMs: number, window: ExpandWindow): Expanded => {
  const from = Math.max(window.fromMs, startMs);
  let length = window.toMs - from;
  const expander = open(rule, startMs, window);
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const found = expander.between(zoned(from), zoned(from + length), true).map((time) => time.epochMilliseconds);
      return { walls: found.slice(0, window.most), cut: tries > 0 || found.length > window.most };
    } catch {
      length = Math.floor(length / SHRINK);
    }
  }
  return { walls: [], cut: true };
};

/** DTSTART is the first instance, also where the rule does not give it, and COUNT counts it (RFC 5545 §3.8.5.3). */
const withoutStart = (rule: Rule, startMs: number, window: ExpandWindow): Rule | null => {
  if (rule.count === null || between(rule, startMs, { ...window, fromMs: startMs, toMs: startMs }).walls.length > 0) return rule;
  return rule.count === 1 ? null : { ...rule, count: rule.count - 1 };
};

/** Wall times of a rule in a window, DTSTART among them. */
export const expandRule = (rule: Rule, startMs: number, window: ExpandWindow): Expanded => {
  if (window.toMs < startMs) return { walls: [], cut: false };
  const counted = withoutStart(rule, startMs, window);
  const { walls, cut } = counted === null ? { walls: [], cut: false } : between(counted, startMs, window);
  return { walls: startMs < window.fromMs || walls[0] === startMs ? walls : [startMs, ...walls], cut };
};
