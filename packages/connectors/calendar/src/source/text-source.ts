/** A service that is one iCalendar text: a file or an address. It is read again when it may have changed. */
import { readCalendar, type CalendarText } from '../ics/calendar-text.js';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import { cleanLine } from '../text.js';
import type { CalendarInfo, Loaded, Source } from './source.js';

/** What is there now: null where it is what was read before. */
export interface Reader {
  read(pace: Pace): Promise<Buffer | null>;
  close(): Promise<void>;
}

export const ONLY_CALENDAR = 'calendar';

/** The one calendar of a text. @param fallbackName where the text does not name itself */
export class TextSource implements Source {
  readonly #reader: Reader;
  readonly #fallbackName: string;
  #known: CalendarText | null = null;

  constructor(reader: Reader, fallbackName: string) {
    this.#reader = reader;
    this.#fallbackName = fallbackName;
  }

  async calendars(pace: Pace): Promise<readonly CalendarInfo[]> {
    const { name } = await this.#text(pace);
    const own = cleanLine((name ?? '').replace(/\\([\\;,])/g, '$1'), LIMITS.maxTitleChars);
    return [{ id: ONLY_CALENDAR, name: own === '' ? this.#fallbackName : own, description: '' }];
  }

  async load(_calendar: CalendarInfo, _window: unknown, pace: Pace): Promise<Loaded> {
    const text = await this.#text(pace);
    return { parts: [{ resource: '', text }], skipped: 0, cut: false };
  }

  open(_calendar: CalendarInfo, resource: string, pace: Pace): Promise<CalendarText | null> {
    return resource === '' ? this.#text(pace) : Promise.resolve(null);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #text(pace: Pace): Promise<CalendarText> {
    const bytes = await this.#reader.read(pace);
    if (bytes !== null || this.#known === null) this.#known = await readCalendar(bytes ?? Buffer.alloc(0), pace);
    return this.#known;
  }
}
