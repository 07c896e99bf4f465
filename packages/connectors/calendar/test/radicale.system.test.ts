/** Everything against a real Radicale; needs the Debian package radicale. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@airlock/protocol';
import { startRadicale, type RadicaleServer } from '@airlock/testkit';
import t from 'tap';
import { connector, openSession } from '../src/index.js';
import { caldavContext, calendar, event, listed, refused, run, type ContextOptions } from './context.js';

const BERLIN = 'TZID=Europe/Berlin';
/** Radicale wants the zone in the file, as calendar programs write it. */
const zone = (tzid: string, standard: string, daylight: string, rules: readonly [string, string]): string =>
  [
    'BEGIN:VTIMEZONE',
    `TZID:${tzid}`,
    'BEGIN:STANDARD',
    'DTSTART:20071104T030000',
    `TZOFFSETFROM:${daylight}`,
    `TZOFFSETTO:${standard}`,
    `RRULE:FREQ=YEARLY;${rules[0]}`,
    'END:STANDARD',
    'BEGIN:DAYLIGHT',
    'DTSTART:20070311T020000',
    `TZOFFSETFROM:${standard}`,
    `TZOFFSETTO:${daylight}`,
    `RRULE:FREQ=YEARLY;${rules[1]}`,
    'END:DAYLIGHT',
    'END:VTIMEZONE',
  ].join('\r\n');
const EUROPE = zone('Europe/Berlin', '+0100', '+0200', ['BYMONTH=10;BYDAY=-1SU', 'BYMONTH=3;BYDAY=-1SU']);
const AMERICA = zone('America/New_York', '-0500', '-0400', ['BYMONTH=11;BYDAY=1SU', 'BYMONTH=3;BYDAY=2SU']);

const FILES: Readonly<Record<string, string>> = {
  'ada/work/standup.ics': calendar(
    EUROPE,
    event(
      'UID:standup',
      `DTSTART;${BERLIN}:20250324T090000`,
      `DTEND;${BERLIN}:20250324T091500`,
      'RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
      `EXDATE;${BERLIN}:20250327T090000`,
      'SUMMARY:Stand-up',
      'DTSTAMP:20250101T000000Z',
    ),
    event(
      'UID:standup',
      `RECURRENCE-ID;${BERLIN}:20250328T090000`,
      `DTSTART;${BERLIN}:20250328T140000`,
      `DTEND;${BERLIN}:20250328T141500`,
      'SUMMARY:Stand-up in the afternoon',
      'DTSTAMP:20250101T000000Z',
    ),
  ),
  'ada/work/call.ics': calendar(
    AMERICA,
    event(
      'UID:call',
      'DTSTART;TZID=America/New_York:20250328T160000',
      'DURATION:PT1H',
      'SUMMARY:Call Ohio & <Utah>',
      'LOCATION:Phone',
      'DTSTAMP:20250101T000000Z',
    ),
  ),
  'ada/home/trip.ics': calendar(
    event('UID:trip', 'DTSTART;VALUE=DATE:20250327', 'DTEND;VALUE=DATE:20250330', 'SUMMARY:Trip', 'DTSTAMP:20250101T000000Z'),
  ),
  'bob/private/secret.ics': calendar(
    event('UID:secret', 'DTSTART:20250328T100000Z', 'SUMMARY:Secret of Bob', 'DTSTAMP:20250101T000000Z'),
  ),
};

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    // What Radicale keeps for itself to answer faster.
    .filter((path) => !path.includes('.Radicale.cache') && !path.endsWith('.Radicale.lock') && statSync(path).isFile())
    .sort();

const digestOf = (folder: string): string =>
  sha256Hex(
    Buffer.from(
      filesBelow(folder)
        .map((path) => `${path} ${sha256Hex(readFileSync(path))} ${statSync(path).mtimeMs}`)
        .join('\n'),
    ),
  );

let server: RadicaleServer;
let before = '';
t.before(async () => {
  server = await startRadicale({ ada: 'correct-horse', bob: 'battery-staple' }, FILES);
  before = digestOf(server.collections);
});
t.teardown(() => server.stop());

const open = (options: ContextOptions = {}): ReturnType<typeof openSession> =>
  openSession(caldavContext(`${server.url}/`, options));

t.test('calendars are found, and each operation answers', async (t) => {
  const session = await open();
  const { calendars } = await run(session, 'list_calendars');
  t.same(calendars.map(({ name }) => name).sort(), ['home', 'work']);
  t.same(await listed(session, {}, 'today'), [
    'Trip 2025-03-27 2025-03-30',
    'Stand-up in the afternoon 2025-03-28T14:00:00+01:00 2025-03-28T14:15:00+01:00',
    'Call Ohio & <Utah> 2025-03-28T21:00:00+01:00 2025-03-28T22:00:00+01:00',
  ]);
  t.same(await listed(session, { from: '2025-03-26', to: '2025-03-31', calendar: 'work' }), [
    'Stand-up 2025-03-26T09:00:00+01:00 2025-03-26T09:15:00+01:00',
    'Stand-up in the afternoon 2025-03-28T14:00:00+01:00 2025-03-28T14:15:00+01:00',
    'Call Ohio & <Utah> 2025-03-28T21:00:00+01:00 2025-03-28T22:00:00+01:00',
    'Stand-up 2025-03-31T09:00:00+02:00 2025-03-31T09:15:00+02:00',
  ]);
  t.equal((await run(session, 'upcoming', { days: 14 })).events.length, 13);
  const { events } = await run(session, 'search', { text: 'ohio PHONE' });
  t.match(events, [{ title: 'Call Ohio & <Utah>' }]);
  t.match(await run(session, 'get_event', { id: events[0]?.id ?? '' }), { event_time_zone: 'America/New_York' });
  await session.close();
});

t.test('two users see their own; wrong passwords are said to be wrong', async (t) => {
  const bob = caldavContext(`${server.url}/`, { credential: { password: 'battery-staple' } });
  const session = await openSession({ ...bob, destination: { ...bob.destination, user: 'bob' } });
  t.match((await run(session, 'today')).events, [{ title: 'Secret of Bob' }]);
  await session.close();
  const ada = await open();
  await refused(t, run(ada, 'today', { calendar: '/bob/private/' }), 'NOT_FOUND', 'a calendar of another');
  const id = Buffer.from(JSON.stringify(['/ada/work/', '/bob/private/secret.ics', 'secret', ''])).toString('base64url');
  await refused(t, run(ada, 'get_event', { id }), 'NOT_FOUND', 'an id made up');
  await ada.close();
  const wrong = await refused(
    t,
    connector.test(caldavContext(`${server.url}/`, { credential: { password: 'no' } })),
    'UPSTREAM_REFUSED',
    'wrong',
  );
  t.equal(wrong.data.found, 'bad_credentials');
});

const HOSTILE = [
  'DELETE /',
  '"; DROP',
  '</href><x/>',
  '../../../etc/passwd',
  '%2e%2e/%2e%2e',
  '&#x0;',
  '<!DOCTYPE x>',
  'PUT\u2028/',
  'é🎉',
  'a'.repeat(200),
  '* OR 1=1',
  '/bob/private/',
];

t.test('hostile strings in every parameter: refused or answered, nothing changed, only reading requests', async (t) => {
  const session = await open();
  let refusals = 0;
  for (const text of HOSTILE)
    for (const [operation, params] of [
      ['search', { text }],
      ['today', { calendar: text }],
      ['today', { time_zone: text }],
      ['today', { cursor: text }],
      ['range', { from: text, to: text }],
      ['get_event', { id: text }],
      ['get_event', { id: Buffer.from(JSON.stringify(['/ada/work/', `/ada/work/${text}`, text, ''])).toString('base64url') }],
    ] as const)
      await run(session, operation, params).catch(() => (refusals += 1));
  t.ok(refusals > HOSTILE.length * 4);
  await session.close();
  t.equal(digestOf(server.collections), before, 'byte for byte the same');
  const methods = [...server.log().matchAll(/\b([A-Z]+) request for/g)].map(([, method]) => method);
  t.ok(methods.length > 20, 'negative control: the log names requests');
  t.same([...new Set(methods)].sort(), ['PROPFIND', 'REPORT'], 'CAL-4');
});
