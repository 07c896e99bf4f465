/** create_event against a double: what leaves, what an answer means, what no text can smuggle in. */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { startCaldavDouble, type CaldavAnswer, type CaldavDouble, type CaldavOptions } from '@airlock/testkit';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import ICAL from 'ical.js';
import t, { type Test } from 'tap';
import { checkEventText, eventText } from '../src/create/event-text.js';
import { openSession } from '../src/index.js';
import { caldavContext, calendar, event, manifestOf, openText, refused, run, type Params } from './context.js';

const ASKED = {
  calendar: 'work',
  title: 'Lunch; then work',
  start: '2025-03-30T12:00',
  end: '2025-03-30T13:00',
  description: 'a\nb',
};

const started = async (t: Test, options: Partial<CaldavOptions> = {}) => {
  const double = await startCaldavDouble({ calendars: { '/ada/work/': {}, '/ada/home/': {} }, ...options });
  t.teardown(() => double.close());
  const session = await openSession(caldavContext(`${double.url}/`));
  t.teardown(() => session.close());
  return { double, session };
};

const puts = ({ requests }: CaldavDouble) => requests.filter(({ method }) => method === 'PUT');

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/calendar.md'), 'utf8');

t.test('CAL-22, CAL-4: the request of the specification, once, and the event is there', async (t) => {
  const { double, session } = await started(t);
  const { uid, created, id } = await run(session, 'create_event', ASKED);
  t.equal(created, true);
  const [put, ...more] = puts(double);
  t.same(more, []);
  t.equal(
    `PUT ${put?.path ?? ''}\nIf-None-Match: ${put?.ifNoneMatch ?? ''}\nContent-Type: ${put?.contentType ?? ''}\n\n${put?.body.replaceAll('\r\n', '\n') ?? ''}`,
    /```put\n([\s\S]*?)```/.exec(spec)?.[1],
  );
  t.match(await run(session, 'get_event', { id }), {
    title: 'Lunch; then work',
    start: '2025-03-30T12:00:00+02:00',
    end: '2025-03-30T13:00:00+02:00',
    description: 'a\nb',
  });
  t.match(uid, /^airlock-[0-9a-f]{32}$/);
});

t.test('CAL-22 the same event again is not added twice; another is another', async (t) => {
  const { double, session } = await started(t);
  const first = await run(session, 'create_event', ASKED);
  t.match(await run(session, 'create_event', ASKED), { created: false, uid: first.uid, id: first.id });
  t.equal((await run(session, 'range', { from: '2025-03-30', to: '2025-03-30' })).events.length, 1);
  const others = new Set([first.uid]);
  for (const more of [
    { title: 'x' },
    { end: '2025-03-30T14:00' },
    { location: 'x' },
    { description: 'x' },
    { calendar: 'home' },
  ]) {
    const { created, uid } = await run(session, 'create_event', { ...ASKED, ...more });
    t.equal(created, true);
    others.add(uid);
  }
  t.equal(others.size, 6);
  t.equal(puts(double).length, 7);
});

t.test('whole days, other zones, the only calendar; and what the manifest promises', async (t) => {
  const { session } = await started(t, { calendars: { '/ada/work/': {} } });
  const days = await run(session, 'create_event', { title: 'Trip', start: '2025-04-01', end: '2025-04-03' });
  t.match(await run(session, 'get_event', { id: days.id }), { start: '2025-04-01', end: '2025-04-03', all_day: true });
  const times = { title: 'Call', start: '2025-04-01T09:00:00-04:00', end: '2025-04-01T10:00', time_zone: 'America/New_York' };
  const call = await run(session, 'create_event', times);
  t.match(await run(session, 'get_event', { id: call.id }), {
    start: '2025-04-01T15:00:00+02:00',
    end: '2025-04-01T16:00:00+02:00',
  });
  const manifest = manifestOf('caldav').operations.find(({ name }) => name === 'create_event');
  t.match(manifest, { class: 'write', outward: false });
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  t.ok(ajv.validate(manifest?.params ?? {}, times) && ajv.validate(manifest?.result ?? {}, call));
  t.match(manifestOf('icloud-calendar').operations.at(-1), { name: 'create_event' });
  for (const kind of ['google-calendar', 'ics', 'ics-secret', 'ics-file'])
    t.ok(
      manifestOf(kind).operations.every(({ class: of }) => of === 'read'),
      kind,
    );
});

t.test('CAL-24 what cannot be shown, or is no event, is refused before anything leaves', async (t) => {
  const { double, session } = await started(t);
  const refuse = async (more: Params, field: string): Promise<void> => {
    const error = await refused(t, run(session, 'create_event', { ...ASKED, ...more }), 'PARAMS_INVALID', JSON.stringify(more));
    t.equal(error.data.field, `params.${field}`);
  };
  for (const bad of [
    'a\r\nATTENDEE:mailto:x@example.org',
    'a\nb',
    'a\0',
    'a\u202eb',
    'a\u200bb',
    '\ud800',
    '   ',
    '',
    'x'.repeat(501),
  ])
    await refuse({ title: bad }, 'title');
  for (const bad of ['a\rb', 'a\0', '\u2066a', 'x'.repeat(5001)]) await refuse({ description: bad }, 'description');
  await refuse({ location: 'a\nb' }, 'location');
  await refuse({ attendees: ['x@example.org'] }, 'attendees');
  for (const end of ['2025-03-30T12:00', '2025-03-29T12:00', '2025-03-31', '2029-01-01T00:00', 'tomorrow', '2100-01-01T00:00'])
    await refuse({ end }, 'end');
  await refuse({ start: '1969-12-31', end: '1970-01-02' }, 'start');
  const without = { ...ASKED, calendar: undefined } as unknown as Params;
  const error = await refused(t, run(session, 'create_event', without), 'PARAMS_INVALID', 'which of two calendars');
  t.equal(error.data.field, 'params.calendar');
  await refused(t, run(session, 'create_event', { ...ASKED, calendar: 'nowhere' }), 'NOT_FOUND', 'no such calendar');
  t.same(puts(double), []);
});

t.test('CAL-23 whatever stands in the texts, one event leaves, and it says them', (t) => {
  const hostile = fc.constantFrom(
    '\nEND:VEVENT\nBEGIN:VEVENT\n',
    'ATTENDEE:mailto:x@y',
    '\\',
    '\\n',
    ';',
    ',',
    ':',
    '"',
    'é',
    '🎉',
    '\n',
    '\t',
    ' ',
  );
  const text = fc
    .array(fc.oneof(hostile, fc.string({ maxLength: 5 })), { maxLength: 60 })
    .map((parts) => parts.join('').replace(/(?![\n\t])\p{Cc}/gu, ''));
  const edge = (ms: number) => ({ ms, isDate: false });
  fc.assert(
    fc.property(text, text, text, (title, location, description) => {
      const [oneLine, oneMore] = [title, location].map((one) => one.replace(/[\n\t]/g, ' ').trim()) as [string, string];
      const whole = { title: oneLine, location: oneMore, description: description.trim() };
      const written = eventText({ uid: 'u', stampMs: 0, start: edge(0), end: edge(1000), ...whole });
      const component = new ICAL.Component(ICAL.parse(written) as unknown[]);
      const events = component.getAllSubcomponents();
      const value = (name: string): unknown => events[0]?.getFirstPropertyValue(name) ?? '';
      return (
        events.length === 1 &&
        value('summary') === whole.title &&
        value('location') === whole.location &&
        value('description') === whole.description
      );
    }),
    { numRuns: 2000 },
  );
  t.end();
});

t.test('CAL-23 the check stands alone: a writer that lets a line through is stopped', (t) => {
  const good = eventText({
    uid: 'u',
    stampMs: 0,
    start: { ms: 0, isDate: true },
    end: { ms: 9e7, isDate: true },
    title: 'x',
    location: '',
    description: '',
  });
  const names = ['UID', 'DTSTAMP', 'DTSTART', 'DTEND', 'SUMMARY'];
  t.equal(checkEventText(good, names), good);
  for (const bad of [
    good.replace('SUMMARY:x', 'SUMMARY:x\r\nATTENDEE:mailto:x@example.org'),
    good.replace('SUMMARY:x', 'SUMMARY:x\nATTENDEE:mailto:x@example.org'),
    good.replace('END:VEVENT', 'END:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT'),
    good.replace('SUMMARY', 'ATTENDEE'),
    good.replace('BEGIN:VEVENT', 'BEGIN:VTODO').replace('END:VEVENT', 'END:VTODO'),
    `${good}BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n`,
  ])
    t.throws(() => checkEventText(bad, names), { code: 'INTERNAL' });
  t.end();
});

t.test('CAL-22 what an answer means', async (t) => {
  let status = 0;
  const headers = { location: '/ada/work/x.ics' };
  const answer = ({ method }: { method: string }): CaldavAnswer | undefined =>
    method === 'PUT' ? { status, headers } : undefined;
  const { double, session } = await started(t, { answer });
  for (const [code, statuses] of Object.entries({
    UPSTREAM_REFUSED: [301, 302, 304, 307, 308, 400, 401, 403, 405, 413, 415, 422, 501, 507],
    NOT_FOUND: [404, 409, 410],
    OUTCOME_UNKNOWN: [202, 207, 226, 500, 502, 503, 504],
  } as const))
    for (status of statuses) {
      const before = puts(double).length;
      const error = await refused(t, run(session, 'create_event', ASKED), code as 'NOT_FOUND', `${status}`);
      t.equal(puts(double).length, before + 1, 'never sent again');
      if (code === 'OUTCOME_UNKNOWN') t.match(error.data, { hint: /UID airlock-[0-9a-f]{32} /, retry: 'never' });
    }
  for (status of [200, 201, 204]) t.match(await run(session, 'create_event', ASKED), { created: true });
});

t.test(
  'CAL-22 a server that takes the event and falls silent, or dies: the outcome is unknown, and nothing is sent again',
  async (t) => {
    const { double } = await started(t);
    let written = 0;
    const proxy = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        if (bytes.toString().startsWith('PUT ')) {
          written += 1;
          return void socket.destroy();
        }
        passOn(socket, bytes, Number(new URL(double.url).port));
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.teardown(() => proxy.close());
    const session = await openSession(caldavContext(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`));
    t.teardown(() => session.close());
    await refused(t, run(session, 'create_event', ASKED), 'OUTCOME_UNKNOWN', 'dropped after the request');
    t.equal(written, 1);
  },
);

/** One request to the double and its answer back; the connection is used once. */
const passOn = (socket: Socket, bytes: Buffer, port: number): void => {
  void fetchRaw(port, bytes).then((answer) => socket.end(answer));
};

const fetchRaw = async (port: number, bytes: Buffer): Promise<Buffer> => {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const upstream = connect(port, '127.0.0.1');
    upstream.write(bytes.toString('latin1').replace(/\r\nconnection: [a-z-]+/i, '\r\nconnection: close'), 'latin1');
    upstream.on('data', (piece: Buffer) => pieces.push(piece));
    upstream.once('close', () => resolve(Buffer.concat(pieces)));
  });
};

t.test('a calendar that is a file can only be read', async (t) => {
  const session = await openText(t, calendar(event('UID:a', 'DTSTART:20250328T100000Z', 'SUMMARY:a')));
  const asked = { title: 'x', start: ASKED.start, end: ASKED.end };
  await refused(t, run(session, 'create_event', asked), 'READ_ONLY', 'no source to write to');
});
