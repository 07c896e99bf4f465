/** Calendars at an address and in a file. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillSettings, resolveDestination, type Clock, type ConnectorManifest } from '@airlock/protocol';
import { startCaldavDouble, type CaldavAnswer, type CaldavDouble } from '@airlock/testkit';
import { Ajv } from 'ajv';
import t, { type Test } from 'tap';
import { connector, openSession } from '../src/index.js';
import { addressContext, calendar, event, fileContext, manifestOf, NOW, openText, refused, run } from './context.js';

const TEXT = calendar('X-WR-CALNAME:Team', event('UID:a', 'DTSTART:20250328T100000Z', 'SUMMARY:a'));
const SECRET = 'private-0123456789abcdef0123456789abcdef';

const serving = async (t: Test, answer: (headers: { readonly count: number }) => CaldavAnswer): Promise<CaldavDouble> => {
  let count = 0;
  const double = await startCaldavDouble({ answer: () => answer({ count: (count += 1) }) });
  t.teardown(() => double.close());
  return double;
};

t.test('an address is asked once a minute, and then only for what changed', async (t) => {
  let bootMs = 0;
  const clock: Clock = { wallMs: () => Date.parse(NOW), bootMs: () => bootMs };
  const double = await serving(t, ({ count }) =>
    count === 1 ? { status: 200, headers: { etag: '"1"' }, body: TEXT } : { status: 304 },
  );
  const session = await openSession(addressContext(`${double.url}/a.ics`, { clock }));
  t.match((await run(session, 'today')).events, [{ title: 'a', calendar: 'Team' }]);
  await run(session, 'today');
  t.equal(double.requests.length, 1);
  bootMs = 61_000;
  t.equal((await run(session, 'today')).events.length, 1);
  t.equal(double.requests.length, 2);
  t.same([...new Set(double.requests.map(({ method }) => method))], ['GET'], 'CAL-4');
  await session.close();
});

t.test('a secret address stands in no error (CAL-5) and on no other origin (CAL-1)', async (t) => {
  for (const status of [401, 403, 404, 410, 500]) {
    const double = await serving(t, () => ({ status, body: SECRET }));
    const context = addressContext(`${double.url}/`, { credential: { url: `${double.url}/${SECRET}/basic.ics` } });
    const failed = await refused(t, connector.test(context), 'UPSTREAM_REFUSED', String(status));
    t.equal(failed.data.found, status === 500 ? 'other' : 'bad_credentials');
    t.notMatch(`${failed.message} ${JSON.stringify(failed.data)}`, SECRET);
  }
  const elsewhere = addressContext('http://127.0.0.1:9/', { credential: { url: `http://127.0.0.1:10/${SECRET}` } });
  const failed = await refused(t, connector.test(elsewhere), 'CONFIG_INVALID', 'another origin');
  t.notMatch(`${failed.message} ${JSON.stringify(failed.data)}`, SECRET);
});

t.test('a file is read anew when it changes; a link or directory is none (CAL-19)', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-ics-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'a.ics');
  writeFileSync(path, TEXT);
  const session = await connector.open(fileContext(path));
  t.match((await run(session, 'today')).events, [{ title: 'a' }]);
  writeFileSync(path, TEXT.replace('SUMMARY:a', 'SUMMARY:changed'));
  t.match((await run(session, 'today')).events, [{ title: 'changed' }]);
  symlinkSync(path, join(directory, 'link.ics'));
  await refused(t, connector.test(fileContext(join(directory, 'link.ics'))), 'UNAVAILABLE', 'a link');
  await refused(t, connector.test(fileContext(directory)), 'UNAVAILABLE', 'a directory');
  await refused(t, connector.test(fileContext(join(directory, 'none.ics'))), 'UNAVAILABLE', 'nothing');
  t.same(readdirSync(directory).sort(), ['a.ics', 'link.ics']);
});

t.test('no hidden or controlling character leaves (CAL-20)', async (t) => {
  const nasty = 'a\u202eb\u200bc\u0007\u{e0041}d';
  const session = await openText(
    t,
    calendar(
      event(
        'UID:a',
        'DTSTART:20250328T100000Z',
        `SUMMARY:${nasty}`,
        `DESCRIPTION:${nasty}`,
        `LOCATION:${nasty}`,
        `ATTENDEE;CN="${nasty}":mailto:${nasty}`,
      ),
    ),
  );
  const { events } = await run(session, 'today');
  t.notMatch(JSON.stringify(events), /\u202e|\u200b|\u0007|\u{e0041}/u);
  t.match(events, [{ title: 'abc d' }]);
});

const canWrite = (kind: string): boolean => kind === 'caldav' || kind === 'icloud-calendar';

t.test('kinds, their tools and their destinations', async (t) => {
  const kinds = ['caldav', 'google-calendar', 'icloud-calendar', 'ics', 'ics-file', 'ics-secret'];
  const files = readdirSync(join(import.meta.dirname, '../../manifests'));
  t.same(files.sort(), kinds.map((kind) => `${kind}.json`).sort());
  const manifests: readonly ConnectorManifest[] = kinds.map(manifestOf);
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  for (const { kind, operations, module } of manifests) {
    t.equal(module, 'calendar');
    t.same(
      operations.map(({ name, tool }) => `${name} ${tool ?? ''}`),
      [
        'list_calendars list_calendars',
        'today calendar_today',
        'upcoming calendar_upcoming',
        'range calendar_range',
        'search calendar_search',
        'get_event calendar_get',
        ...(canWrite(kind) ? ['create_event calendar_create_event'] : []),
      ],
      kind,
    );
    const reading = operations.filter(({ name }) => name !== 'create_event');
    t.ok(
      reading.every((one) => one.class === 'read' && one.untrusted && !one.outward),
      'CAL-4',
    );
    t.ok(operations.every((one) => one.class === 'read' || canWrite(kind)));
  }
  const destination = (kind: string, settings: Readonly<Record<string, string>>): unknown =>
    resolveDestination(manifestOf(kind), settings);
  const origin = { scheme: 'https', host: 'example.org', port: 443 };
  t.match(destination('ics', { url: 'webcal://example.org/a.ics' }), { origins: [origin] });
  t.match(destination('caldav', { url: 'https://example.org/dav/', user: 'ada' }), { origins: [origin], user: 'ada' });
  t.match(destination('icloud-calendar', { user: 'ada@me.com' }), { origins: [{ host: 'caldav.icloud.com' }] });
  t.throws(() => destination('icloud-calendar', { user: 'ada@me.com', server: 'evil.example' }));
  const google = new RegExp(manifestOf('google-calendar').credential.fields['url']?.pattern ?? '^$');
  t.ok(google.test(`https://calendar.google.com/calendar/ical/ada%40gmail.com/${SECRET}/basic.ics`));
  t.notOk(google.test(`https://calendar.google.com.evil.example/calendar/ical/a/${SECRET}/basic.ics`));
  t.notOk(google.test('https://calendar.google.com/calendar/ical/ada%40gmail.com/public/basic.ics'));
  t.equal(fillSettings(manifestOf('ics').settings, { url: 'https://example.org/' })['time_zone'], '');
  const session = await openText(t, TEXT);
  const [shown] = (await run(session, 'today')).events;
  const params: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    range: { from: '2025-03-28', to: '2025-03-28' },
    search: { text: 'a' },
    get_event: { id: shown?.id ?? '' },
  };
  for (const { name, params: schema, result } of manifestOf('ics-file').operations) {
    const given = params[name] ?? {};
    t.ok(ajv.validate(schema, given), name);
    t.ok(ajv.validate(result, await run(session, name, given)), `${name} ${JSON.stringify(ajv.errors)}`);
    await refused(t, run(session, name, { ...given, ghost: 1 }), 'PARAMS_INVALID', `${name} ghost`);
  }
});
