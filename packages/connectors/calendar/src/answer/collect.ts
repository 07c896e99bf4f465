/** All instances in a window, over the chosen calendars, within the bounds of one call. */
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import { instancesIn, type Instance, type Window } from '../recur/series.js';
import type { CalendarInfo, Loaded, Source } from '../source/source.js';
import type { Zone } from '../zones/zone.js';
import { idOf, type Item, type Place } from './item.js';

export interface Collected {
  /** By start; a whole day before what begins with it. */
  readonly items: readonly Item[];
  /** A bound was reached: there may be more in the window. */
  readonly truncated: boolean;
  /** Events that could not be read. */
  readonly skipped: number;
}

/** Calendars asked at the same time. */
const AT_ONCE = 4;

const MAX_ID_CHARS = 2048;

const compareTexts = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** By start, whole days first, then by what their ids are made of: the order of pages. */
export const compareItems = (one: Item, other: Item): number =>
  one.instance.startMs - other.instance.startMs ||
  Number(other.instance.isAllDay) - Number(one.instance.isAllDay) ||
  compareTexts(one.instance.series.uid, other.instance.series.uid) ||
  compareTexts(one.place.resource, other.place.resource) ||
  compareTexts(one.place.calendar.id, other.place.calendar.id) ||
  compareTexts(one.instance.original ?? '', other.instance.original ?? '');

const isCancelled = ({ entry, series }: Instance): boolean =>
  entry.status === 'cancelled' || series.master?.status === 'cancelled';

/** One call's gathering. */
class Gathering {
  readonly items: Item[] = [];
  truncated = false;
  skipped = 0;
  readonly #window: Window;
  readonly #zone: Zone;
  readonly #withCancelled: boolean;
  readonly #pace: Pace;

  constructor(window: Window, zone: Zone, withCancelled: boolean, pace: Pace) {
    this.#window = window;
    this.#zone = zone;
    this.#withCancelled = withCancelled;
    this.#pace = pace;
  }

  async take(calendar: CalendarInfo, { parts, skipped, cut }: Loaded): Promise<void> {
    this.skipped += skipped;
    this.truncated ||= cut;
    for (const { resource, text } of parts) {
      this.skipped += text.skipped;
      for (const series of text.series) {
        await this.#pace.step();
        if (this.#pace.left <= 0) {
          this.truncated = true;
          return;
        }
        const found = instancesIn(series, this.#window, this.#zone);
        this.truncated ||= found.cut;
        const shown = found.instances.filter((instance) => this.#withCancelled || !isCancelled(instance));
        this.#pace.spend(shown.length);
        if (shown.length > 0) this.#add({ calendar, resource }, shown);
      }
    }
  }

  #add(place: Place, shown: readonly Instance[]): void {
    const [first] = shown;
    if (first !== undefined && idOf({ place, instance: first }).length > MAX_ID_CHARS) this.skipped += 1;
    else for (const instance of shown) this.items.push({ place, instance });
  }
}

export interface CollectOptions {
  readonly window: Window;
  readonly zone: Zone;
  readonly withCancelled: boolean;
}

/** @throws AirlockError of the source. */
export const collect = async (
  source: Source,
  calendars: readonly CalendarInfo[],
  { window, zone, withCancelled }: CollectOptions,
  pace: Pace,
): Promise<Collected> => {
  const gathering = new Gathering(window, zone, withCancelled, pace);
  for (let at = 0; at < calendars.length; at += AT_ONCE) {
    const some = calendars.slice(at, at + AT_ONCE);
    const loaded = await Promise.all(some.map((calendar) => source.load(calendar, window, pace)));
    for (const [index, calendar] of some.entries()) {
      const one = loaded[index];
      if (one !== undefined) await gathering.take(calendar, one);
    }
  }
  gathering.truncated ||= calendars.length >= LIMITS.maxCalendars;
  return { items: gathering.items.sort(compareItems), truncated: gathering.truncated, skipped: gathering.skipped };
};
