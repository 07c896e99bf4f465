// Attack: the calendar server lies, redirects, or dies while an event is added. Never a wrong claim, never a second try. CAL-22, EGRESS-15.
import { startCaldavDouble, type CaldavAnswer, type CaldavDouble } from '@airlock/testkit';
import t from 'tap';
import { startWriteHouse, type WriteHouse } from './support/write-house.js';

interface Lie {
  readonly name: string;
  readonly answer: CaldavAnswer;
  readonly code: string;
}

const LIES: readonly Lie[] = [
  {
    name: 'sent on within the sealed origin',
    answer: { status: 307, headers: { location: '/ada/other/x.ics' } },
    code: 'UPSTREAM_REFUSED',
  },
  {
    name: 'sent on to another origin',
    answer: { status: 308, headers: { location: 'http://127.0.0.1:1/x.ics' } },
    code: 'UPSTREAM_REFUSED',
  },
  { name: 'refused in words that say it was done', answer: { status: 403, body: '201 Created' }, code: 'UPSTREAM_REFUSED' },
  { name: 'a gateway that gave up', answer: { status: 504 }, code: 'OUTCOME_UNKNOWN' },
  { name: 'accepted for later', answer: { status: 202 }, code: 'OUTCOME_UNKNOWN' },
  {
    name: 'done, with a body without end',
    answer: { status: 201, body: Buffer.alloc(8 * 1024 * 1024, 0x61) },
    code: 'OUTCOME_UNKNOWN',
  },
  {
    name: 'done, in a coding that is none',
    answer: { status: 201, headers: { 'content-encoding': 'x-evil' }, body: 'x' },
    code: 'OUTCOME_UNKNOWN',
  },
];

const EVENT = { start: '2025-03-30T12:00', end: '2025-03-30T13:00', time_zone: 'Europe/Berlin' };

let house: WriteHouse;
let caldav: CaldavDouble;
let lie: CaldavAnswer | undefined;
t.before(async () => {
  caldav = await startCaldavDouble({
    calendars: { '/ada/work/': {} },
    answer: ({ method }) => (method === 'PUT' ? lie : undefined),
  });
  house = await startWriteHouse({ kind: 'caldav', settings: { url: `${caldav.url}/`, user: 'ada' } });
});
t.teardown(async () => {
  await house.stop();
  await caldav.close();
});

const puts = () => caldav.requests.filter(({ method }) => method === 'PUT');

for (const { name, answer, code } of LIES) {
  t.test(name, async (t) => {
    lie = answer;
    const before = puts().length;
    const ending = await house.write({ ...EVENT, title: name }, 'create_event');
    t.equal(ending === 'ok' ? 'ok' : ending.code, code);
    t.equal(puts().length, before + 1, 'one attempt');
    if (ending === 'ok') return;
    t.notMatch(`${ending.message} ${JSON.stringify(ending.data)}`, /Created|x-evil|127\.0\.0\.1:1\b|correct-horse/);
    if (code === 'OUTCOME_UNKNOWN') t.match(ending.data, { retry: 'never', hint: /UID airlock-[0-9a-f]{32} / });
  });
}

t.test('an honest server adds it once, however often it is approved (negative control)', async (t) => {
  lie = undefined;
  const event = { ...EVENT, title: 'honest' };
  t.equal(await house.write(event, 'create_event'), 'ok');
  t.equal(await house.write(event, 'create_event'), 'ok');
  const last = puts().slice(-2);
  t.equal(last[0]?.path, last[1]?.path, 'the second found the first there');
  t.match(last, [{ ifNoneMatch: '*' }, { ifNoneMatch: '*' }]);
});
