/** All instances in a window, over the chosen calendars, within the bounds of one call. */
import { encodeId } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import { instancesIn, type Instance, type Window } from '../recur/series.js';
import type { CalendarInfo, Loaded, Source } from '../source/source.js';
import type { Zone } from '../zones/zone.js';
import type { Item } from './item.js';

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

/** By start, whole days first, then by id: the order of pages. */
export const compareItems = (one: Item, other: Item): number =>
  one.instance.startMs - other.instance.startMs ||
  Number(other.instance.isAllDay) - Number(one.instance.isAllDay) ||
  (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);

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
        for (const instance of shown) this.#add(calendar, resource, instance);
      }
    }
  }

  #add(calendar: CalendarInfo, resource: string, instance: Instance): void {
    const { series, original } = instance;
    const id = encodeId({ calendar: calendar.id, resource, uid: series.uid, original });
    if (id.length > MAX_ID_CHARS) this.skipped += 1;
    else this.items.push({ id, calendar: calendar.name, instance });
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
