/** The calendars of a CalDAV account: what overlaps a window is asked for, and what did not change is not fetched again. */
import { AirlockError, type Clock } from '@airlock/protocol';
import { upstreamError } from '../failure.js';
import { readCalendar, type CalendarText } from '../ics/calendar-text.js';
import { DAY, LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import type { Window } from '../recur/series.js';
import type { CalendarInfo, Created, Loaded, Part, Source } from '../source/source.js';
import type { CaldavClient } from './client.js';
import { discoverCalendars } from './discover.js';
import { resourceWithin } from './href.js';
import { propertyOf, type Resource } from './multistatus.js';
import { findEvents, getEvents } from './requests.js';

interface Kept {
  readonly etag: string;
  readonly bytes: number;
  readonly text: CalendarText;
}

/** A resource as a listing names it. */
interface Listed {
  readonly path: string;
  readonly etag: string;
}

const isTooLarge = (thrown: unknown): boolean => thrown instanceof AirlockError && thrown.data.found === 'body_too_large';
const isUpstream = (thrown: unknown): boolean => thrown instanceof AirlockError && thrown.code === 'UPSTREAM_REFUSED';

const etagOf = (resource: Resource): string => propertyOf(resource, 'getetag')?.text.trim().slice(0, 200) ?? '';

export class CaldavSource implements Source {
  readonly #client: CaldavClient;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  #calendars: { readonly at: number; readonly list: readonly CalendarInfo[] } | null = null;

  /** @param path where discovery begins: the path of the operator's address. */
  constructor(client: CaldavClient, path: string, clock: Clock) {
    this.#client = client;
    this.#path = path;
    this.#clock = clock;
  }

  async calendars(pace: Pace): Promise<readonly CalendarInfo[]> {
    const now = this.#clock.bootMs();
    if (this.#calendars !== null && now - this.#calendars.at < LIMITS.calendarsFreshMs) return this.#calendars.list;
    const list = await discoverCalendars(this.#client, this.#path, pace);
    this.#calendars = { at: now, list };
    return list;
  }

  async load(calendar: CalendarInfo, window: Window, pace: Pace): Promise<Loaded> {
    // A server reads days and floating times in a zone of its own: a day more on both sides.
    const body = findEvents(window.fromMs - DAY, window.toMs + DAY);
    const { resources } = await this.#client.ask({ method: 'REPORT', path: calendar.id, depth: 1, body }, pace);
    const listed = resources.flatMap((one): Listed[] => {
      const path = resourceWithin(one.href, calendar.id, this.#client.origin);
      return path === null ? [] : [{ path, etag: etagOf(one) }];
    });
    const wanted = [...new Map(listed.map((one) => [one.path, one])).values()].slice(0, LIMITS.maxHrefs);
    const parts = wanted.flatMap(({ path, etag }): Part[] => {
      const kept = this.#kept.get(path);
      return kept !== undefined && etag !== '' && kept.etag === etag ? [{ resource: path, text: kept.text }] : [];
    });
    const have = new Set(parts.map(({ resource }) => resource));
    const fetched = await this.#fetchAll(
      calendar,
      wanted.map(({ path }) => path).filter((path) => !have.has(path)),
      pace,
    );
    return {
      parts: [...parts, ...fetched.parts],
      skipped: fetched.skipped + resources.length - listed.length,
      cut: wanted.length < new Set(listed.map(({ path }) => path)).size,
    };
  }

  async open(calendar: CalendarInfo, resource: string, pace: Pace): Promise<CalendarText | null> {
    const path = resourceWithin(resource, calendar.id, this.#client.origin);
    if (path === null) return null;
    const { parts } = await this.#fetch(calendar, [path], pace);
    return parts[0]?.text ?? null;
  }

  async create(calendar: CalendarInfo, name: string, text: string, pace: Pace): Promise<Created> {
    const folder = calendar.id.endsWith('/') ? calendar.id : `${calendar.id}/`;
    const resource = resourceWithin(`${folder}${name}`, calendar.id, this.#client.origin);
    if (resource === null) throw upstreamError('other', 'the calendar has an address that nothing can be written to');
    return { resource, isNew: await this.#client.put(resource, text, pace) };
  }

  close(): Promise<void> {
    this.#kept.clear();
    return this.#client.close();
  }

  async #fetchAll(calendar: CalendarInfo, paths: readonly string[], pace: Pace): Promise<{ parts: Part[]; skipped: number }> {
    const parts: Part[] = [];
    let skipped = 0;
    for (let at = 0; at < paths.length; at += LIMITS.hrefsPerFetch) {
      const fetched = await this.#fetch(calendar, paths.slice(at, at + LIMITS.hrefsPerFetch), pace);
      parts.push(...fetched.parts);
      skipped += fetched.skipped;
    }
    return { parts, skipped };
  }

  /** A batch; halved until it fits. One event that does not fit alone is left out. */
  async #fetch(calendar: CalendarInfo, paths: readonly string[], pace: Pace): Promise<{ parts: Part[]; skipped: number }> {
    const body = getEvents(paths);
    try {
      const { resources } = await this.#client.ask({ method: 'REPORT', path: calendar.id, depth: 1, body }, pace);
      return await this.#read(resources, calendar, new Set(paths), pace);
    } catch (thrown) {
      if (!isTooLarge(thrown)) throw thrown;
      if (paths.length <= 1) return { parts: [], skipped: paths.length };
      const half = Math.ceil(paths.length / 2);
      const [first, second] = [
        await this.#fetch(calendar, paths.slice(0, half), pace),
        await this.#fetch(calendar, paths.slice(half), pace),
      ];
      return { parts: [...first.parts, ...second.parts], skipped: first.skipped + second.skipped };
    }
  }

  /** Only what was asked for counts, each once (CAL-3). */
  async #read(
    resources: readonly Resource[],
    calendar: CalendarInfo,
    asked: Set<string>,
    pace: Pace,
  ): Promise<{ parts: Part[]; skipped: number }> {
    const parts: Part[] = [];
    let skipped = 0;
    for (const resource of resources) {
      const path = resourceWithin(resource.href, calendar.id, this.#client.origin);
      const data = propertyOf(resource, 'calendar-data')?.text;
      if (path === null || data === undefined || !asked.delete(path)) continue;
      const bytes = Buffer.from(data, 'utf8');
      try {
        const text = await readCalendar(bytes, pace);
        this.#keep(path, { etag: etagOf(resource), bytes: bytes.length, text });
        parts.push({ resource: path, text });
      } catch (thrown) {
        if (!isUpstream(thrown)) throw thrown;
        skipped += 1;
      }
    }
    return { parts, skipped };
  }

  /** The oldest make room. */
  #keep(path: string, kept: Kept): void {
    this.#keptBytes += kept.bytes - (this.#kept.get(path)?.bytes ?? 0);
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#keptBytes <= LIMITS.maxKeptBytes) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= bytes;
    }
  }
}
