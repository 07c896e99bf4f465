/** An instance as agents see it. */
import type { Json } from '@airlock/protocol';
import { encodeId } from '../ids.js';
import { DAY, LIMITS } from '../limits.js';
import { isRecurring, type Instance, type Original } from '../recur/series.js';
import type { CalendarInfo } from '../source/source.js';
import { cutChars } from '../text.js';
import { dayOf, formatDay, formatInstant, toInstant, type Zone } from '../zones/zone.js';
import type { Texts } from './texts.js';

/** Where a series was found. */
export interface Place {
  readonly calendar: CalendarInfo;
  /** Path of the CalDAV resource; empty for a file. */
  readonly resource: string;
}

/** One instance and where it was found. */
export interface Item {
  readonly place: Place;
  readonly instance: Instance;
}

/** The id of an item; made only for what is shown, of thousands that are not. */
export const idOf = ({ place, instance: { series, original } }: Item): string =>
  encodeId({ calendar: place.calendar.id, resource: place.resource, uid: series.uid, original });

/** A day of an all-day event is the day on the wall, wherever that is; the end is the day after the last. */
const edgeOf = (isAllDay: boolean, ms: number, zone: Zone): string =>
  isAllDay ? formatDay(dayOf(zone, ms)) : formatInstant(zone, ms);

const originalText = (original: Original | null, zone: Zone): string | null => {
  if (original === null) return null;
  const value = Number(original.slice(1));
  if (original.startsWith('d')) return formatDay(value);
  return formatInstant(zone, original.startsWith('f') ? toInstant(zone, value) : value);
};

const timesOf = ({ instance }: Item, zone: Zone): Record<string, Json> => {
  const { startMs, endMs, isAllDay, entry, series, original } = instance;
  // What has no end is an instant; a day has at least one.
  const end = isAllDay ? Math.max(endMs, toInstant(zone, dayOf(zone, startMs) + DAY)) : endMs;
  return {
    start: edgeOf(isAllDay, startMs, zone),
    end: edgeOf(isAllDay, end, zone),
    all_day: isAllDay,
    event_time_zone: entry.start.zone?.name ?? null,
    status: entry.status,
    recurring: isRecurring(series),
    recurrence_id: originalText(original, zone),
  };
};

/** `maxChars` of a description, and whether that is all. */
const described = (description: string, maxChars: number): Record<string, Json> => ({
  description: cutChars(description, maxChars),
  description_truncated: description.length > maxChars,
});

const people = (texts: Texts, most: number): Record<string, Json> => ({
  organizer: texts.organizer === null ? null : { ...texts.organizer },
  attendees: texts.attendees.slice(0, most).map((attendee): Json => ({ ...attendee })),
  attendees_truncated: texts.moreAttendees || texts.attendees.length > most,
});

export const listedJson = (item: Item, texts: Texts, zone: Zone): Json => ({
  id: idOf(item),
  calendar: item.place.calendar.name,
  title: texts.title,
  ...timesOf(item, zone),
  location: texts.location,
  ...described(texts.description, LIMITS.maxListedDescriptionChars),
  ...people(texts, LIMITS.maxListedAttendees),
});

export const detailJson = (item: Item, texts: Texts, zone: Zone, maxChars: number): Json => ({
  id: idOf(item),
  calendar: item.place.calendar.name,
  title: texts.title,
  ...timesOf(item, zone),
  time_zone: zone.name,
  location: texts.location,
  ...described(texts.description, maxChars),
  ...people(texts, LIMITS.maxAttendees),
  url: texts.url,
  recurrence: texts.rule,
});
