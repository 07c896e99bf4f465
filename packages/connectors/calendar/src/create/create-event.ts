/**
 * create_event: one event that was not there before.
 *
 * CAL-22 It is sent once. Its UID is made from what was asked, so that asking again adds nothing, and anybody can find out
 *        whether it happened.
 * CAL-24 Nobody is invited, and no text holds a character that hides, reorders or controls.
 */
import { AirlockError, digestOf } from '@airlock/protocol';
import type { Call, Run } from '../answer/call.js';
import { readTime } from '../answer/window.js';
import { refuse, type Arguments } from '../arguments.js';
import { encodeId } from '../ids.js';
import { LIMITS } from '../limits.js';
import { chosen, type CalendarInfo } from '../source/source.js';
import { cleanText } from '../text.js';
import type { Zone } from '../zones/zone.js';
import { eventText, type Edge } from './event-text.js';

export const CREATE_PARAMS = ['calendar', 'title', 'start', 'end', 'time_zone', 'location', 'description'] as const;

/** Beyond them ical.js and others write other forms; nobody plans there. */
const [FIRST_MS, LAST_MS] = [Date.UTC(1970), Date.UTC(2100)];

/** CAL-24: refused, not repaired, for what is written is what was approved. */
const visible = (text: string, field: string): string =>
  cleanText(text) === text
    ? text
    : refuse(field, 'text without hidden characters', 'an invisible or bidirectional control character');

const line = (args: Arguments, field: string, maxChars: number): string => visible(args.text(field, maxChars) ?? '', field);

const edgeOf = (args: Arguments, field: string, zone: Zone): Edge => {
  const { stamp, ms } = readTime(args.required(field, 32), field, zone);
  const edge = { ms: stamp.isDate ? stamp.wallMs : ms, isDate: stamp.isDate };
  return edge.ms >= FIRST_MS && edge.ms < LAST_MS ? edge : refuse(field, 'a time from 1970 to 2099', 'another time');
};

const spanOf = (args: Arguments, zone: Zone): { readonly start: Edge; readonly end: Edge } => {
  const [start, end] = [edgeOf(args, 'start', zone), edgeOf(args, 'end', zone)];
  if (start.isDate !== end.isDate) return refuse('end', 'a day where `start` is a day, a time where it is a time', 'the other');
  if (end.ms <= start.ms)
    return refuse('end', start.isDate ? 'the day after the last, or later' : 'a time after `start`', 'an earlier one');
  if (end.ms - start.ms > LIMITS.maxWindowMs) return refuse('end', 'at most 732 days after `start`', 'a longer event');
  return { start, end };
};

const onlyOne = (calendars: readonly CalendarInfo[], wanted: string | undefined): CalendarInfo => {
  const [one, ...more] = chosen(calendars, wanted);
  if (one !== undefined && more.length === 0) return one;
  return refuse('calendar', 'an id or name from list_calendars', `nothing, and there are ${calendars.length} calendars`);
};

/** CAL-22: the hint says how a person finds out. */
const namingIt = (thrown: unknown, uid: string): unknown => {
  if (!(thrown instanceof AirlockError) || thrown.code !== 'OUTCOME_UNKNOWN') return thrown;
  return new AirlockError('OUTCOME_UNKNOWN', thrown.message, {
    hint: `look for the event with UID ${uid} in the calendar; asking for the very same event again does not add it twice`,
  });
};

const asked = (args: Arguments, home: Zone) => {
  const zone = args.zone(home);
  const title = visible(args.required('title', LIMITS.maxTitleChars), 'title');
  if (title.trim() === '') return refuse('title', 'at least one word', 'only spaces');
  const location = line(args, 'location', LIMITS.maxLocationChars);
  const description = visible(args.lines('description', LIMITS.maxNewDescriptionChars) ?? '', 'description');
  return { title, location, description, ...spanOf(args, zone) };
};

/** Adds one event. @throws AirlockError PARAMS_INVALID, NOT_FOUND, OUTCOME_UNKNOWN, and what the server refuses with */
export const createEvent: Run = async ({ source, args, pace, home, nowMs }: Call) => {
  if (source.create === undefined) throw new AirlockError('READ_ONLY', 'this kind of calendar can only be read');
  const event = asked(args, home);
  const calendar = onlyOne(await source.calendars(pace), args.text('calendar', 1024));
  const { start, end, title, location, description } = event;
  const uid = `airlock-${digestOf([calendar.id, title, { ...start }, { ...end }, location, description]).slice(0, 32)}`;
  const text = eventText({ uid, stampMs: nowMs, ...event });
  try {
    const { resource, isNew } = await source.create(calendar, `${uid}.ics`, text, pace);
    const id = encodeId({ calendar: calendar.id, resource, uid, original: null });
    return { result: { id, uid, calendar: calendar.name, created: isNew }, count: isNew ? 1 : 0 };
  } catch (thrown) {
    throw namingIt(thrown, uid);
  }
};
