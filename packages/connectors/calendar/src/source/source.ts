/** Where events come from: a file, an address, or the collections of a CalDAV server. */
import { AirlockError } from '@airlock/protocol';
import type { CalendarText } from '../ics/calendar-text.js';
import type { Pace } from '../pace.js';
import type { Window } from '../recur/series.js';

export interface CalendarInfo {
  /** The path of its collection; `calendar` where there is only one. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

/** One iCalendar text and where it stood. */
export interface Part {
  /** Path of the CalDAV resource; empty for a file. */
  readonly resource: string;
  readonly text: CalendarText;
}

export interface Loaded {
  readonly parts: readonly Part[];
  /** Resources that could not be read. */
  readonly skipped: number;
  /** The server has more than is asked for. */
  readonly cut: boolean;
}

/** What came of writing a resource. */
export interface Created {
  /** Its path. */
  readonly resource: string;
  /** false: the server had one of this name already, and it was left as it is. */
  readonly isNew: boolean;
}

/** Everything rejects with AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT, UNAVAILABLE or CONFIG_INVALID. */
export interface Source {
  calendars(pace: Pace): Promise<readonly CalendarInfo[]>;
  /** All events that may have an instance in the window. */
  load(calendar: CalendarInfo, window: Window, pace: Pace): Promise<Loaded>;
  /** The text an id names; null where it is not there (any more). */
  open(calendar: CalendarInfo, resource: string, pace: Pace): Promise<CalendarText | null>;
  /**
   * Writes a new resource into a calendar; only a CalDAV account can.
   * @throws AirlockError besides those above: NOT_FOUND, OUTCOME_UNKNOWN
   */
  create?(calendar: CalendarInfo, name: string, text: string, pace: Pace): Promise<Created>;
  close(): Promise<void>;
}

const noCalendar = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'there is no such calendar', {
    field: 'params.calendar',
    hint: 'list_calendars shows their ids and names',
  });

/** The calendars meant by `wanted`: an id, or a name that only one has; all where nothing is wanted. @throws AirlockError NOT_FOUND, PARAMS_INVALID */
export const chosen = (calendars: readonly CalendarInfo[], wanted: string | undefined): readonly CalendarInfo[] => {
  if (wanted === undefined) return calendars;
  const byId = calendars.filter(({ id }) => id === wanted);
  const found = byId.length > 0 ? byId : calendars.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (found.length === 0) throw noCalendar();
  if (found.length === 1) return found;
  throw new AirlockError('PARAMS_INVALID', 'several calendars have this name', {
    field: 'params.calendar',
    expected: 'an id from list_calendars',
    found: `${found.length} calendars of this name`,
  });
};
