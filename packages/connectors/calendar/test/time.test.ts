/** Recurrence, exceptions, zones and days, through the operations. */
import t from 'tap';
import { calendar, event, listed, openText, refused, run } from './context.js';

const BERLIN = ['DTSTART;TZID=Europe/Berlin:20250325T090000', 'DTEND;TZID=Europe/Berlin:20250325T093000'];

t.test('a changed instance stands where it was moved to, and nowhere else (CAL-14)', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:a', ...BERLIN, 'RRULE:FREQ=DAILY', 'SUMMARY:daily'),
      event('UID:a', 'RECURRENCE-ID:20250401T070000Z', 'DTSTART:20250520T100000Z', 'DTEND:20250520T110000Z', 'SUMMARY:moved out'),
      event('UID:a', 'RECURRENCE-ID;TZID=Europe/Berlin:20250601T090000', 'DTSTART:20250402T100000Z', 'SUMMARY:moved in'),
    ),
  );
  t.same(await listed(session, { from: '2025-04-01', to: '2025-04-02' }), [
    'daily 2025-04-02T09:00:00+02:00 2025-04-02T09:30:00+02:00',
    'moved in 2025-04-02T12:00:00+02:00 2025-04-02T12:00:00+02:00',
  ]);
  t.same((await listed(session, { from: '2025-05-20', to: '2025-05-20' })).length, 2);
  t.same(await listed(session, { from: '2025-06-01', to: '2025-06-01' }), []);
});

t.test('THISANDFUTURE moves and renames all later ones (CAL-14)', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:a', ...BERLIN, 'RRULE:FREQ=DAILY;COUNT=6', 'SUMMARY:early'),
      event(
        'UID:a',
        'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20250328T090000',
        'DTSTART;TZID=Europe/Berlin:20250328T110000',
        'DTEND;TZID=Europe/Berlin:20250328T120000',
        'SUMMARY:late',
      ),
      event(
        'UID:a',
        'RECURRENCE-ID;TZID=Europe/Berlin:20250329T090000',
        'DTSTART;TZID=Europe/Berlin:20250329T080000',
        'SUMMARY:own',
      ),
    ),
  );
  t.same(await listed(session, { from: '2025-03-27', to: '2025-04-02' }), [
    'early 2025-03-27T09:00:00+01:00 2025-03-27T09:30:00+01:00',
    'late 2025-03-28T11:00:00+01:00 2025-03-28T12:00:00+01:00',
    'own 2025-03-29T08:00:00+01:00 2025-03-29T08:00:00+01:00',
    'late 2025-03-30T11:00:00+02:00 2025-03-30T12:00:00+02:00',
  ]);
});

t.test('EXDATE by time, floating time, day and UTC (CAL-15)', async (t) => {
  const session = await openText(
    t,
    calendar(
      event(
        'UID:a',
        ...BERLIN,
        'RRULE:FREQ=DAILY;COUNT=6',
        'EXDATE;TZID=Europe/Berlin:20250326T090000',
        'EXDATE:20250327T080000Z',
        'EXDATE:20250328T090000',
        'EXDATE;VALUE=DATE:20250329',
        'SUMMARY:a',
      ),
      event('UID:b', 'DTSTART;VALUE=DATE:20250325', 'RRULE:FREQ=DAILY;COUNT=3', 'EXDATE:20250326T000000Z', 'SUMMARY:b'),
    ),
  );
  t.same(await listed(session, { from: '2025-03-25', to: '2025-04-02' }), [
    'b 2025-03-25 2025-03-26',
    'a 2025-03-25T09:00:00+01:00 2025-03-25T09:30:00+01:00',
    'b 2025-03-27 2025-03-28',
    'a 2025-03-30T09:00:00+02:00 2025-03-30T09:30:00+02:00',
  ]);
});

t.test('the hour that is missing and the hour that comes twice (CAL-15)', async (t) => {
  const at = (uid: string, time: string, ...more: readonly string[]): string =>
    event(`UID:${uid}`, `DTSTART;TZID=Europe/Berlin:${time}`, 'DURATION:PT30M', `SUMMARY:${uid}`, ...more);
  const session = await openText(
    t,
    calendar(
      at('gap', '20250329T023000', 'RRULE:FREQ=DAILY;COUNT=3'),
      at('start-in-gap', '20250330T023000'),
      at('fold', '20251025T023000', 'RRULE:FREQ=DAILY;COUNT=2'),
    ),
  );
  t.same(await listed(session, { from: '2025-03-29', to: '2025-04-05' }), [
    'gap 2025-03-29T02:30:00+01:00 2025-03-29T03:00:00+01:00',
    'start-in-gap 2025-03-30T03:30:00+02:00 2025-03-30T04:00:00+02:00',
    'gap 2025-03-31T02:30:00+02:00 2025-03-31T03:00:00+02:00',
    'gap 2025-04-01T02:30:00+02:00 2025-04-01T03:00:00+02:00',
  ]);
  t.same(await listed(session, { from: '2025-10-26', to: '2025-10-26' }), [
    'fold 2025-10-26T02:30:00+02:00 2025-10-26T02:00:00+01:00',
  ]);
});

t.test('UNTIL in UTC, as a day and local; RDATE with a period; BYSETPOS and WKST', async (t) => {
  const only = async (...lines: readonly string[]): Promise<readonly string[]> => {
    const session = await openText(t, calendar(event('UID:a', 'SUMMARY:a', ...lines)));
    const { events } = await run(session, 'range', { from: '2025-01-01', to: '2025-12-31' });
    return events.map(({ start }) => start.slice(0, 16));
  };
  const start = 'DTSTART;TZID=America/New_York:20250101T210000';
  t.equal((await only(start, 'RRULE:FREQ=DAILY;UNTIL=20250104T020000Z')).length, 3, 'an instant, included');
  t.equal((await only(start, 'RRULE:FREQ=DAILY;UNTIL=20250104T015959Z')).length, 2, 'a second less');
  t.equal((await only(start, 'RRULE:FREQ=DAILY;UNTIL=20250103')).length, 3, 'a whole day');
  t.equal((await only(start, 'RRULE:FREQ=DAILY;UNTIL=20250103T210000')).length, 3, 'on the wall');
  t.same(await only('DTSTART:20250301T100000Z', 'RDATE;VALUE=PERIOD:20250401T100000Z/PT2H,20250402T100000Z/20250402T101500Z'), [
    '2025-03-01T11:00',
    '2025-04-01T12:00',
    '2025-04-02T12:00',
  ]);
  t.same(await only('DTSTART;VALUE=DATE:20250131', 'RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3'), [
    '2025-01-31',
    '2025-02-28',
    '2025-03-31',
  ]);
});

t.test('floating times and days go by the zone of the call; unknown TZIDs too (CAL-10)', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:f', 'DTSTART:20250328T230000', 'DURATION:PT2H', 'SUMMARY:floating'),
      event('UID:d', 'DTSTART;VALUE=DATE:20250328', 'SUMMARY:day'),
      event('UID:u', 'DTSTART;TZID=Nowhere/At all:20250328T080000', 'SUMMARY:unknown'),
      event('UID:z', 'DTSTART:20250328T230000Z', 'SUMMARY:utc'),
    ),
  );
  const tokyo = await run(session, 'range', { from: '2025-03-28', to: '2025-03-28', time_zone: 'Asia/Tokyo' });
  t.same(
    tokyo.events.map(({ title, start }) => `${title} ${start}`),
    ['day 2025-03-28', 'unknown 2025-03-28T08:00:00+09:00', 'floating 2025-03-28T23:00:00+09:00'],
  );
  const floating = tokyo.events.at(-1);
  t.match(
    await run(session, 'get_event', { id: floating?.id ?? '' }),
    { start: '2025-03-28T23:00:00+01:00' },
    'an id holds in any zone',
  );
});

t.test('names of zones that are in use, and one that a file defines (CAL-11)', async (t) => {
  const zone = [
    'BEGIN:VTIMEZONE',
    'TZID:Customized Time Zone',
    'BEGIN:STANDARD',
    'DTSTART:16010101T030000',
    'TZOFFSETFROM:+0200',
    'TZOFFSETTO:+0100',
    'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
    'END:STANDARD',
    'BEGIN:DAYLIGHT',
    'DTSTART:16010101T020000',
    'TZOFFSETFROM:+0100',
    'TZOFFSETTO:+0200',
    'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
    'END:DAYLIGHT',
    'END:VTIMEZONE',
  ];
  const at = (tzid: string): string =>
    event(`UID:${tzid}`, `DTSTART;TZID=${tzid}:20250701T120000`, `SUMMARY:${tzid.slice(0, 12)}`);
  const names = [
    'Customized Time Zone',
    'W. Europe Standard Time',
    '/mozilla.org/20050126_1/Europe/Berlin',
    'GMT+0200',
    'Europe/Berlin',
  ];
  const session = await openText(t, calendar(...zone, ...names.map(at), at('Tokyo Standard Time')));
  const { events } = await run(session, 'range', { from: '2025-07-01', to: '2025-07-01' });
  t.same(
    events.map(({ start }) => start),
    ['2025-07-01T05:00:00+02:00', ...names.map(() => '2025-07-01T12:00:00+02:00')],
  );
});

t.test('durations: days on the calendar, time exactly; an end before the beginning counts as none', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:a', 'DTSTART;TZID=Europe/Berlin:20250329T120000', 'DURATION:P1D', 'SUMMARY:nominal'),
      event('UID:b', 'DTSTART;TZID=Europe/Berlin:20250329T130000', 'DURATION:PT24H', 'SUMMARY:exact'),
      event(
        'UID:c',
        'DTSTART;TZID=Europe/Berlin:20250329T140000',
        'DTEND;TZID=Europe/Berlin:20250329T100000',
        'SUMMARY:backwards',
      ),
      event('UID:d', 'DTSTART;VALUE=DATE:20250329', 'DTEND;VALUE=DATE:20250401', 'SUMMARY:days'),
    ),
  );
  t.same(await listed(session, { from: '2025-03-29', to: '2025-03-29' }), [
    'days 2025-03-29 2025-04-01',
    'nominal 2025-03-29T12:00:00+01:00 2025-03-30T12:00:00+02:00',
    'exact 2025-03-29T13:00:00+01:00 2025-03-30T14:00:00+02:00',
    'backwards 2025-03-29T14:00:00+01:00 2025-03-29T14:00:00+01:00',
  ]);
  t.same(await listed(session, { from: '2025-03-31', to: '2025-03-31' }), ['days 2025-03-29 2025-04-01'], 'what still lasts');
});

t.test('cancelled events, single instances without their series, revisions and missing UIDs', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:a', ...BERLIN, 'RRULE:FREQ=DAILY;COUNT=2', 'SUMMARY:a'),
      event('UID:a', 'RECURRENCE-ID:20250326T080000Z', 'DTSTART:20250326T080000Z', 'STATUS:CANCELLED', 'SUMMARY:a off'),
      event('UID:b', 'RECURRENCE-ID:20250325T110000Z', 'DTSTART:20250325T110000Z', 'SUMMARY:invited once'),
      event('UID:c', 'DTSTART:20250325T130000Z', 'SEQUENCE:2', 'SUMMARY:new'),
      event('UID:c', 'DTSTART:20250325T120000Z', 'SEQUENCE:1', 'SUMMARY:old'),
      event('DTSTART:20250325T150000Z', 'SUMMARY:nameless'),
    ),
  );
  const titles = async (more: Readonly<Record<string, boolean>> = {}): Promise<readonly string[]> =>
    (await run(session, 'range', { from: '2025-03-25', to: '2025-03-26', ...more })).events.map(({ title }) => title);
  t.same(await titles(), ['a', 'invited once', 'new', 'nameless']);
  t.same(await titles({ include_cancelled: true }), ['a', 'invited once', 'new', 'nameless', 'a off']);
  const { events } = await run(session, 'range', { from: '2025-03-25', to: '2025-03-26', include_cancelled: true });
  for (const { id, title, start } of events) t.match(await run(session, 'get_event', { id }), { title, start }, title);
});

t.test('what cannot be read is left out and counted (CAL-7, CAL-9)', async (t) => {
  const session = await openText(
    t,
    calendar(
      event('UID:a', 'DTSTART:20250328T100000Z', 'SUMMARY:good'),
      event('UID:b', 'DTSTART:garbage', 'SUMMARY:bad'),
      event('UID:c', 'DTSTART:20250231T100000Z', 'SUMMARY:no such day'),
      event('UID:d', 'DTSTART:20250328T100000Z', 'RRULE:FREQ=DAILY;BYHOUR=77', 'SUMMARY:no such rule'),
      event('UID:e', 'SUMMARY:no start'),
      event('UID:f', 'DTSTART:20250301T100000Z', 'RRULE:FREQ=MINUTELY', 'SUMMARY:dense'),
    ),
  );
  const { events, skipped, truncated } = await run(session, 'range', { from: '2025-03-28', to: '2025-03-28', limit: 200 });
  t.equal(events.filter(({ title }) => title === 'good').length, 1);
  t.equal(skipped, 4);
  t.ok(truncated, 'a series of more instances than the bound (CAL-13)');
});

t.test('pages: every event once, whatever the limit', async (t) => {
  const many = Array.from({ length: 25 }, (_unused, index) =>
    event(`UID:${index}`, 'DTSTART:20250328T100000Z', `SUMMARY:${index}`),
  );
  const session = await openText(t, calendar(...many, event('UID:x', ...BERLIN, 'RRULE:FREQ=DAILY', 'SUMMARY:daily')));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof run>> = await run(session, 'upcoming', {
      days: 3,
      limit: 7,
      ...(cursor === null ? {} : { cursor }),
    });
    seen.push(...page.events.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  t.equal(seen.length, 3, 'from noon on nothing but the daily ones');
  const first = await run(session, 'today', { limit: 7 });
  const next = await run(session, 'today', { limit: 200, cursor: first.next_cursor ?? '' });
  t.equal(new Set([...first.events, ...next.events].map(({ id }) => id)).size, 26);
  await refused(
    t,
    run(session, 'today', { calendar: 'calendar', cursor: first.next_cursor ?? '' }),
    'PARAMS_INVALID',
    'other question',
  );
  await refused(t, run(session, 'range', { from: '2025-03-28', to: '2025-03-01' }), 'PARAMS_INVALID', 'backwards');
  await refused(t, run(session, 'range', { from: '2020-03-28', to: '2025-03-01' }), 'PARAMS_INVALID', 'too long');
  await refused(t, run(session, 'today', { time_zone: 'Mars/Olympus' }), 'PARAMS_INVALID', 'no such zone');
  await refused(t, run(session, 'today', { calendar: 'other' }), 'NOT_FOUND', 'no such calendar');
});
