/** The operations of every calendar kind (docs/spec/calendar.md); all of them read but create_event. */
import { AirlockError, type Json, type OperationResult } from '@airlock/protocol';
import { refuse, type Arguments } from '../arguments.js';
import { CREATE_PARAMS, createEvent } from '../create/create-event.js';
import { decodeCursor, decodeId, encodeCursor, questionOf, shortOf, type Cursor } from '../ids.js';
import type { Pace } from '../pace.js';
import { instanceOf, type Window } from '../recur/series.js';
import { daysJson, isInTime, windowWithin } from '../reach.js';
import { chosen } from '../source/source.js';
import { formatInstant, type Zone } from '../zones/zone.js';
import type { Call, Run } from './call.js';
import { collect, type Collected } from './collect.js';
import { detailJson, idOf, listedJson, type Item } from './item.js';
import { textsOf, type Texts } from './texts.js';
import { rangeWindow, searchWindow, todayWindow, upcomingWindow } from './window.js';

const LIST = ['calendar', 'time_zone', 'limit', 'cursor', 'include_cancelled'] as const;
const MAX_CHARS = 20_000;

/** What is asked, besides the page. */
interface Question {
  readonly name: string;
  readonly window: (zone: Zone) => Window;
  readonly matches?: (texts: Texts) => boolean;
  readonly conditions?: Json;
}

const after = (items: readonly Item[], cursor: Cursor | null): readonly Item[] => {
  if (cursor === null) return items;
  const last = items.findIndex((item) => item.instance.startMs === cursor.startMs && shortOf(idOf(item)) === cursor.after);
  // The last event of the page before may have gone since: what begins later follows.
  return last >= 0 ? items.slice(last + 1) : items.filter(({ instance }) => instance.startMs > cursor.startMs);
};

const pageOf = (
  items: readonly Item[],
  { truncated, skipped }: Omit<Collected, 'items'>,
  window: Window,
  zone: Zone,
  { args, question, cursor }: { args: Arguments; question: string; cursor: Cursor | null },
): OperationResult => {
  const limit = args.integer('limit', 1, 200, 50);
  const rest = after(items, cursor);
  const shown = rest.slice(0, limit);
  const last = rest.length > limit ? shown.at(-1) : undefined;
  return {
    result: {
      time_zone: zone.name,
      from: formatInstant(zone, window.fromMs),
      to: formatInstant(zone, window.toMs),
      events: shown.map((item): Json => listedJson(item, textsOf(item.instance.entry), zone)),
      truncated,
      skipped,
      next_cursor:
        last === undefined
          ? null
          : encodeCursor(question, { ...window, startMs: last.instance.startMs, after: shortOf(idOf(last)) }),
    },
    count: shown.length,
    truncated,
  };
};

/** Instances whose words match; each entry's words are read once. */
const matching = async (items: readonly Item[], matches: (texts: Texts) => boolean, pace: Pace): Promise<readonly Item[]> => {
  const known = new Map<unknown, boolean>();
  const found: Item[] = [];
  for (const item of items) {
    const { entry } = item.instance;
    if (!known.has(entry)) {
      await pace.step();
      known.set(entry, matches(textsOf(entry)));
    }
    if (known.get(entry) === true) found.push(item);
  }
  return found;
};

const list = async (
  { source, args, pace, home, reach }: Call,
  { name, window, matches, conditions }: Question,
): Promise<OperationResult> => {
  const zone = args.zone(home);
  const calendar = args.text('calendar', 1024);
  const withCancelled = args.flag('include_cancelled');
  const question = questionOf([name, calendar ?? '', zone.name, withCancelled, conditions ?? null, ...daysJson(reach)]);
  const text = args.text('cursor', 512);
  const cursor = text === undefined ? null : decodeCursor(text, question);
  // A cursor is not signed: its window is no more trusted than that of the parameters.
  const span = windowWithin(reach, cursor ?? window(zone));
  const calendars = chosen(await source.calendars(pace), calendar);
  const isEmpty = span.toMs <= span.fromMs;
  const { items, ...rest } = await collect(source, isEmpty ? [] : calendars, { window: span, zone, withCancelled }, pace);
  const found = matches === undefined ? items : await matching(items, matches, pace);
  return pageOf(found, rest, span, zone, { args, question, cursor });
};

const today: Run = (call) => list(call, { name: 'today', window: (zone) => todayWindow(call.nowMs, zone) });

const upcoming: Run = (call) => {
  const days = call.args.integer('days', 1, 366, 7);
  return list(call, { name: 'upcoming', window: () => upcomingWindow(call.nowMs, days), conditions: [days] });
};

const range: Run = (call) =>
  list(call, {
    name: 'range',
    window: (zone) => rangeWindow(call.args, zone),
    conditions: [call.args.required('from', 32), call.args.required('to', 32)],
  });

const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** All words must occur, anywhere in what is written of an event. */
const matcherOf = (text: string): ((texts: Texts) => boolean) => {
  const words = folded(text)
    .split(/\s+/)
    .filter((word) => word !== '');
  return ({ title, location, description, organizer, attendees }) => {
    const people = [...(organizer === null ? [] : [organizer]), ...attendees].map(({ name, address }) => `${name} ${address}`);
    const all = folded([title, location, description, ...people].join('\n'));
    return words.every((word) => all.includes(word));
  };
};

const search: Run = (call) => {
  const { args, nowMs } = call;
  const text = args.required('text', 200);
  if (text.trim() === '') return refuse('text', 'at least one word', 'only spaces');
  return list(call, {
    name: 'search',
    window: (zone) => searchWindow(args, zone, nowMs),
    matches: matcherOf(text),
    conditions: [text, args.text('from', 32) ?? null, args.text('to', 32) ?? null],
  });
};

const gone = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'the event is not there any more', { field: 'params.id', hint: 'list again' });

const getEvent: Run = async ({ source, args, pace, home, reach }) => {
  const zone = args.zone(home);
  const maxChars = args.integer('max_chars', 100, MAX_CHARS, 5000);
  const text = args.required('id', 2048);
  const { calendar, resource, uid, original } = decodeId(text);
  const info = (await source.calendars(pace)).find(({ id }) => id === calendar);
  const found = info === undefined ? null : await source.open(info, resource, pace);
  const series = found?.series.find((one) => one.uid === uid);
  const instance = series === undefined ? null : instanceOf(series, original, zone);
  if (info === undefined || instance === null || !isInTime(reach, instance)) throw gone();
  const texts = textsOf(instance.entry);
  return {
    result: detailJson({ place: { calendar: info, resource }, instance }, texts, zone, maxChars),
    count: 1,
    truncated: texts.description.length > maxChars,
  };
};

const listCalendars: Run = async ({ source, pace, reach }) => {
  const calendars = (await source.calendars(pace)).slice(0, reach.most === Infinity ? undefined : reach.most);
  return { result: { calendars: calendars.map((calendar): Json => ({ ...calendar })) }, count: calendars.length };
};

export const OPERATIONS: ReadonlyMap<string, { readonly params: readonly string[]; readonly run: Run }> = new Map([
  ['list_calendars', { params: [], run: listCalendars }],
  ['today', { params: LIST, run: today }],
  ['upcoming', { params: [...LIST, 'days'], run: upcoming }],
  ['range', { params: [...LIST, 'from', 'to'], run: range }],
  ['search', { params: [...LIST, 'text', 'from', 'to'], run: search }],
  ['get_event', { params: ['id', 'time_zone', 'max_chars'], run: getEvent }],
  ['create_event', { params: CREATE_PARAMS, run: createEvent }],
]);
