/** create_event against a real Radicale; needs the Debian package radicale. CAL-22, CAL-23 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRadicale, type RadicaleServer } from '@airlock/testkit';
import t from 'tap';
import { openSession } from '../src/index.js';
import { caldavContext, calendar, event, refused, run } from './context.js';

const TRIP = calendar(
  event('UID:trip', 'DTSTART;VALUE=DATE:20250327', 'DTEND;VALUE=DATE:20250330', 'SUMMARY:Trip', 'DTSTAMP:20250101T000000Z'),
);

let server: RadicaleServer;
t.before(async () => {
  server = await startRadicale({ ada: 'correct-horse', bob: 'x' }, { 'ada/work/trip.ics': TRIP, 'bob/private/a.ics': TRIP });
});
t.teardown(() => server.stop());

const open = (): ReturnType<typeof openSession> => openSession(caldavContext(`${server.url}/`));
const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(server.collections, folder)).filter((name) => name.endsWith('.ics'));
const putsIn = (log: string): number => [...log.matchAll(/\bPUT request for/g)].length;

const ASKED = {
  title: 'Lunch, with "Bob"; é🎉 \\n',
  start: '2025-03-30T12:00',
  end: '2025-03-30T13:00',
  location: 'Café; upstairs',
  description: `First\nsecond, ${'long '.repeat(100)}\tend`,
};

t.test('an event is added once, reads back as it was asked, and nothing else changes', async (t) => {
  const session = await open();
  const { id, uid, created } = await run(session, 'create_event', ASKED);
  t.equal(created, true);
  t.match(await run(session, 'get_event', { id }), {
    title: ASKED.title,
    location: ASKED.location,
    description: ASKED.description,
    start: '2025-03-30T12:00:00+02:00',
    end: '2025-03-30T13:00:00+02:00',
    attendees: [],
  });
  t.match(await run(session, 'create_event', ASKED), { created: false, id, uid });
  t.same([...filesIn('ada/work')].sort(), [`${uid}.ics`, 'trip.ics'].sort());
  t.equal(readFileSync(join(server.collections, 'ada/work/trip.ics'), 'utf8'), TRIP);
  t.equal(putsIn(server.log()), 2);
  await session.close();
});

t.test('whole days', async (t) => {
  const session = await open();
  const { id } = await run(session, 'create_event', { title: 'Fair', start: '2025-05-01', end: '2025-05-03' });
  t.match(await run(session, 'get_event', { id }), { start: '2025-05-01', end: '2025-05-03', all_day: true });
  await session.close();
});

t.test("another's calendar is not there, and stays as it is", async (t) => {
  const session = await open();
  await refused(t, run(session, 'create_event', { ...ASKED, calendar: '/bob/private/' }), 'NOT_FOUND', 'of another');
  t.same(filesIn('bob/private'), ['a.ics']);
  await session.close();
});
