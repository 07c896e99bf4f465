/** Calendars held to some of them, to days and to a number of items. */
import { encodeBase64url, type ConnectorSession, type Json } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import { paramsWithin, reachOf, sourceWithin, windowWithin } from '../src/reach.js';
import type { CalendarInfo, Source } from '../src/source/source.js';
import { calendar, event, openText, refused, type ResultOf } from './context.js';

type Members = Readonly<Record<string, Json>>;

const call = async (session: ConnectorSession, name: string, params: Members, constraints: Members): Promise<ResultOf> =>
  (await session.execute(name, params, { signal: new AbortController().signal, constraints })).result as unknown as ResultOf;

const on = (day: string): string =>
  event(`UID:${day}`, `DTSTART:202503${day}T100000Z`, `DTEND:202503${day}T110000Z`, `SUMMARY:on ${day}`);
const TEXT = calendar(
  'X-WR-CALNAME:Team',
  ...['10', '27', '28', '29', '30'].map(on),
  event('UID:night', 'DTSTART:20250328T233000Z', 'DTEND:20250329T003000Z', 'SUMMARY:night'),
  event('UID:daily', 'DTSTART:20250301T120000Z', 'DTEND:20250301T121500Z', 'RRULE:FREQ=DAILY;COUNT=31', 'SUMMARY:daily'),
);
const MARCH = { from: '2025-03-01', to: '2025-03-31' };
const DAYS = { since: '2025-03-28', before: '2025-03-29' };
const titles = ({ events }: ResultOf): string[] => events.map(({ title }) => title);

t.test('CAL-26 only what overlaps the days of the lease is listed, searched and read', async (t) => {
  const session = await openText(t, TEXT);
  t.equal((await call(session, 'range', MARCH, {})).events.length, 37, 'negative control');
  t.same(titles(await call(session, 'range', MARCH, DAYS)), ['on 28', 'daily', 'night']);
  t.same(titles(await call(session, 'today', {}, DAYS)), ['on 28', 'daily'], 'the night is tomorrow in Berlin');
  t.same(
    titles(await call(session, 'upcoming', { days: 300 }, DAYS)),
    ['daily', 'night'].filter((one) => one !== ''),
  );
  t.same(titles(await call(session, 'search', { text: 'on', ...MARCH }, DAYS)), ['on 28']);
  t.same(titles(await call(session, 'search', { text: 'on', ...MARCH }, { since: '2026-01-01' })), []);
  t.same(titles(await call(session, 'range', MARCH, { before: '2025-01-01' })), []);
  const all = (await call(session, 'range', MARCH, {})).events;
  for (const { id, title, start } of all) {
    const isWithin = title === 'night' || title === 'on 28' || start.startsWith('2025-03-28');
    if (isWithin) t.match(await call(session, 'get_event', { id }, DAYS), { title });
    else await refused(t, call(session, 'get_event', { id }, DAYS), 'NOT_FOUND', `${title} ${start}`);
  }
});

t.test('CAL-26 a cursor made up by an agent leads nowhere outside', async (t) => {
  const session = await openText(t, TEXT);
  const page = await call(session, 'range', { ...MARCH, limit: 1 }, DAYS);
  const [question] = JSON.parse(Buffer.from(page.next_cursor ?? '', 'base64url').toString()) as [string];
  const [from, to] = [Date.UTC(2025, 2, 1), Date.UTC(2025, 3, 1)];
  const forged = encodeBase64url(Buffer.from(JSON.stringify([question, from, to, from, 'x'])));
  t.same(titles(await call(session, 'range', { ...MARCH, cursor: forged }, DAYS)), ['on 28', 'daily', 'night']);
  await refused(
    t,
    call(session, 'range', { ...MARCH, limit: 1, cursor: page.next_cursor }, {}),
    'PARAMS_INVALID',
    'of other days',
  );
});

t.test('CAL-27 no call returns more than the lease allows, and the next page goes on', async (t) => {
  const session = await openText(t, TEXT);
  const two = { maxResults: 2 };
  const first = await call(session, 'range', { ...MARCH, limit: 100 }, two);
  t.equal(first.events.length, 2);
  const next = await call(session, 'range', { ...MARCH, limit: 100, cursor: first.next_cursor }, two);
  t.equal(next.events.length, 2);
  t.not(next.events[0]?.id, first.events[0]?.id);
  t.same(paramsWithin(reachOf({ maxResults: 60 }), 'range', {}), {}, 'the default is below');
  t.same(paramsWithin(reachOf(two), 'search', { limit: 1 }), { limit: 1 });
  t.same(paramsWithin(reachOf(two), 'today', { limit: 'x' }), { limit: 'x' }, 'what is none is refused by the operation');
});

t.test('CAL-25 calendars outside of the lease are not there, for reading and for writing', async (t) => {
  const session = await openText(t, TEXT);
  const other = { calendars: ['another'] };
  t.same((await call(session, 'list_calendars', {}, other)).calendars, []);
  t.same(titles(await call(session, 'range', MARCH, other)), []);
  await refused(t, call(session, 'range', { ...MARCH, calendar: 'Team' }, other), 'NOT_FOUND', 'by its name');
  const [one] = (await call(session, 'range', MARCH, { calendars: ['calendar'] })).events;
  await refused(t, call(session, 'get_event', { id: one?.id ?? '' }, other), 'NOT_FOUND', 'by an id');
  const infos: CalendarInfo[] = [
    { id: 'a', name: 'A', description: '' },
    { id: 'b', name: 'B', description: '' },
  ];
  const made: string[] = [];
  const calendars = () => Promise.resolve(infos);
  const source = {
    calendars,
    create: ({ id }: CalendarInfo) => Promise.resolve(made.push(id)).then(() => ({ resource: 'r', isNew: true })),
  } as unknown as Source;
  const within = sourceWithin(source, reachOf({ calendars: ['b'] }));
  t.same(await within.calendars(undefined as never), [infos[1]]);
  await within.create?.(infos[1] as CalendarInfo, 'x', 'y', undefined as never);
  t.same(made, ['b']);
  t.notOk('create' in sourceWithin({ calendars } as never, reachOf({ calendars: [] })), 'what only reads stays so');
});

t.test('the part of a window that is within is in both, whatever they are', async (t) => {
  const day = fc.integer({ min: 0, max: 9 });
  const text = (n: number): string => `2025-01-${String(n + 1).padStart(2, '0')}`;
  fc.assert(
    fc.property(day, day, day, day, fc.integer({ min: 0, max: 12 * 24 }), (from, length, since, before, hour) => {
      const at = (n: number): number => Date.parse(`${text(Math.min(n, 9))}T00:00:00Z`);
      const [fromMs, toMs] = [at(from), at(from) + (length + 1) * 3_600_000];
      const found = windowWithin(reachOf({ since: text(since), before: text(before) }), { fromMs, toMs });
      const ms = at(0) + hour * 3_600_000;
      const isIn = (window: { readonly fromMs: number; readonly toMs: number }): boolean =>
        ms >= window.fromMs && ms < window.toMs;
      return isIn(found) === (isIn({ fromMs, toMs }) && isIn({ fromMs: at(since), toMs: at(before) }));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test('a constraint that cannot be read allows nothing', async (t) => {
  const session = await openText(t, TEXT);
  for (const constraints of [{ calendars: 'calendar' }, { since: 'March' }, { maxResults: '2' }, { maxResults: 0 }])
    await refused(t, call(session, 'today', {}, constraints), 'CONSTRAINT', JSON.stringify(constraints));
});
