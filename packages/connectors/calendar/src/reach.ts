/**
 * What a lease reaches of a service: some calendars, some days, so many items (docs/spec/calendar.md).
 *
 * CAL-25  a calendar that is not one of the lease's is as if it were not there.
 * CAL-26  no event is shown that does not overlap the days of the lease, whatever window, cursor or id is asked for.
 */
import { constraintCount, constraintDayMs, constraintList, type Json, type Params } from '@airlock/protocol';
import type { Instance, Window } from './recur/series.js';
import type { Source } from './source/source.js';

export interface Reach {
  /** Ids; null stands for all. */
  readonly calendars: ReadonlySet<string> | null;
  /** Midnight UTC of the first day, and of the first that is no longer within; infinite where there is none. */
  readonly days: Window;
  /** Most items of a call. */
  readonly most: number;
}

/** @throws AirlockError CONSTRAINT where a constraint cannot be read. */
export const reachOf = (constraints: Readonly<Record<string, Json>>): Reach => ({
  calendars: constraintList(constraints, 'calendars'),
  days: {
    fromMs: constraintDayMs(constraints, 'since') ?? -Infinity,
    toMs: constraintDayMs(constraints, 'before') ?? Infinity,
  },
  most: constraintCount(constraints, 'maxResults'),
});

/** The part of a window that is within (CAL-26); where there is none, an empty one. */
export const windowWithin = ({ days }: Reach, { fromMs, toMs }: Window): Window => {
  const from = Math.max(fromMs, Math.min(days.fromMs, toMs));
  return { fromMs: from, toMs: Math.max(from, Math.min(toMs, days.toMs)) };
};

/** Whether an event overlaps the days of the lease; what has no duration begins within. */
export const isInTime = ({ days }: Reach, { startMs, endMs }: Instance): boolean =>
  startMs < days.toMs && (endMs > days.fromMs || startMs >= days.fromMs);

/** For the fingerprint of a question: a cursor of other days does not fit. Nothing where there are none. */
export const daysJson = ({ days }: Reach): Json[] =>
  Number.isFinite(days.fromMs) || Number.isFinite(days.toMs)
    ? [Number.isFinite(days.fromMs) ? days.fromMs : '', Number.isFinite(days.toMs) ? days.toMs : '']
    : [];

/** The source as far as the lease reaches (CAL-25): every operation finds its calendars here. */
export const sourceWithin = (source: Source, { calendars }: Reach): Source =>
  calendars === null
    ? source
    : {
        calendars: async (pace) => (await source.calendars(pace)).filter(({ id }) => calendars.has(id)),
        load: (calendar, window, pace) => source.load(calendar, window, pace),
        open: (calendar, resource, pace) => source.open(calendar, resource, pace),
        ...(source.create === undefined
          ? {}
          : {
              create: (calendar, name, text, pace) =>
                source.create?.(calendar, name, text, pace) ?? Promise.reject(new TypeError()),
            }),
        close: () => source.close(),
      };

const PAGED: ReadonlySet<string> = new Set(['today', 'upcoming', 'range', 'search']);
const DEFAULT_LIMIT = 50;

/** The page is asked for no larger than allowed, so that its cursor goes on where it ends (CAL-27). */
export const paramsWithin = ({ most }: Reach, operation: string, params: Params): Params => {
  if (most === Infinity || !PAGED.has(operation)) return params;
  const { limit = DEFAULT_LIMIT } = params;
  return typeof limit === 'number' && limit > most ? { ...params, limit: most } : params;
};
