/** The CalDAV client against a double: what it asks, what it follows, what it keeps. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import { davAnswer, davResponse, startCaldavDouble, type CaldavDouble, type CaldavOptions } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { requirePath } from '../src/caldav/href.js';
import { childOf, parseXml } from '../src/caldav/xml.js';
import { connector, openSession, testWith } from '../src/index.js';
import { caldavContext, calendar, event, refused, run } from './context.js';

const WORK = {
  'a.ics': calendar(event('UID:a', 'DTSTART:20250328T100000Z', 'SUMMARY:a')),
  'b.ics': calendar(event('UID:b', 'DTSTART:20250328T110000Z', 'SUMMARY:b <&> c')),
};

const started = async (t: Test, options: CaldavOptions): Promise<CaldavDouble> => {
  const double = await startCaldavDouble(options);
  t.teardown(() => double.close());
  return double;
};

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/calendar.md'), 'utf8');

t.test('the requests of the specification, and no others (CAL-4)', async (t) => {
  const double = await started(t, { calendars: { '/ada/work/': WORK } });
  const session = await openSession(caldavContext(`${double.url}/`));
  await run(session, 'range', { from: '2025-03-28', to: '2025-03-28' });
  await session.close();
  const asked = double.requests
    .map(({ method, path, depth, body }) => `${method} ${path}\nDepth: ${depth}\n\n${body}`)
    .join('\n\n');
  t.equal(asked, /```http\n([\s\S]*?)\n```/.exec(spec)?.[1]);
});

t.test('every operation; events that did not change are not fetched again', async (t) => {
  const double = await started(t, { calendars: { '/ada/work/': WORK, '/ada/home/': {} } });
  const session = await openSession(caldavContext(`${double.url}/`));
  const { calendars } = await run(session, 'list_calendars');
  t.match(calendars, [{ id: '/ada/work/', name: 'work' }, { id: '/ada/home/' }]);
  const { events } = await run(session, 'today', { calendar: 'work' });
  t.match(events, [{ title: 'a', calendar: 'work' }, { title: 'b <&> c' }]);
  const before = double.requests.length;
  t.equal((await run(session, 'upcoming', { calendar: '/ada/work/' })).events.length, 0);
  t.equal(double.requests.length, before + 1, 'one listing, nothing fetched');
  t.match((await run(session, 'search', { text: 'B' })).events, [{ title: 'b <&> c' }]);
  t.match(await run(session, 'get_event', { id: events[1]?.id ?? '' }), { title: 'b <&> c' });
  await session.close();
});

t.test('one calendar or the account itself may be the address', async (t) => {
  const double = await started(t, { calendars: { '/ada/work/': WORK } });
  for (const path of ['/ada/work/', '/principals/ada/', '']) {
    const session = await openSession(caldavContext(`${double.url}${path}`));
    t.match((await run(session, 'list_calendars')).calendars, [{ id: '/ada/work/' }], path);
    await session.close();
  }
});

t.test('what a trial says: bad credentials, no network, other', async (t) => {
  const double = await started(t, { calendars: { '/ada/work/': WORK } });
  await connector.test(caldavContext(`${double.url}/`));
  const wrong = await refused(
    t,
    connector.test(caldavContext(`${double.url}/`, { credential: { password: 'x' } })),
    'UPSTREAM_REFUSED',
    'wrong',
  );
  t.equal(wrong.data.found, 'bad_credentials');
  const none = await refused(t, connector.test(caldavContext('http://127.0.0.1:1/')), 'UNAVAILABLE', 'nobody there');
  t.equal(none.data.found, 'no_network');
  const empty = await refused(t, connector.test(caldavContext(`${double.url}/nowhere/`)), 'UPSTREAM_REFUSED', 'nothing there');
  t.equal(empty.data.found, 'other');
  const elsewhere = await refused(
    t,
    testWith(caldavContext(`${double.url}/`, { settings: { url: 'http://127.0.0.1:2/' } })),
    'CONFIG_INVALID',
    'CAL-1',
  );
  t.notMatch(JSON.stringify(elsewhere.data), /correct-horse/);
});

t.test('the credential never follows a link or redirect to another origin (CAL-2)', async (t) => {
  const heard: string[] = [];
  const sink = createServer((request, response) => {
    heard.push(String(request.headers.authorization));
    response.end();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  t.teardown(() => sink.close());
  const address = sink.address();
  const other = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const home = `<c:calendar-home-set><d:href>${other}/ada/</d:href></c:calendar-home-set>`;
  const principal = `<d:current-user-principal><d:href>${other}/ada/</d:href></d:current-user-principal>`;
  for (const answer of [
    davAnswer(davResponse('/', home)),
    davAnswer(davResponse('/', principal)),
    ...[301, 302, 303, 307, 308].map((status) => ({ status, headers: { location: `${other}/` } })),
  ]) {
    const double = await started(t, { answer: () => answer });
    const failed = await refused(t, connector.test(caldavContext(`${double.url}/`)), 'UPSTREAM_REFUSED', `${answer.status}`);
    t.notMatch(`${failed.message} ${JSON.stringify(failed.data)}`, other, 'CAL-21');
  }
  t.same(heard, [], 'nobody else was ever asked');
});

t.test('the host of an iCloud account is named, and nothing else a server says (CAL-21)', async (t) => {
  const hint = (href: string, host = 'caldav.icloud.com'): string => {
    try {
      requirePath(href, `https://${host}/`, { scheme: 'https', host, port: 443 });
      return '';
    } catch (thrown) {
      return thrown instanceof AirlockError ? `${thrown.message}; ${thrown.data.hint}` : '';
    }
  };
  t.match(hint('https://p42-caldav.icloud.com:443/1/calendars/'), /lives on (p42-caldav.icloud.com); .*--set server=\1$/);
  for (const href of [
    'https://evil.example/',
    'https://p42-caldav.icloud.com.evil.example/',
    'https://p4 2-caldav.icloud.com/',
    'javascript:1',
  ])
    t.notMatch(hint(href), /evil|server=|lives on|javascript/, href);
  t.notMatch(hint('https://p42-caldav.icloud.com/', 'dav.example.org'), /server=/, 'only to those who came from there');
});

t.test('XML: too many and too long tags are refused before they are parsed (CAL-17)', async (t) => {
  const bombs = [
    `<a>${'<b/>'.repeat(200_000)}</a>`,
    `<a ${'x=1 '.repeat(900_000)}></a>`,
    `<a ${"x='".repeat(900_000)}></a>`,
    `<a>${'<![CDATA[]]>'.repeat(200_000)}</a>`,
    '<a><?x <![CDATA[ ?><b/><!-- ]]> --></a>',
    '<?xml version="1.0" x="?>"?><a/>',
  ];
  for (const bomb of bombs) t.throws(() => parseXml(Buffer.from(bomb)), { code: 'UPSTREAM_REFUSED' });
  const plain = '<?xml version="1.0" encoding="utf-8"?>\n<a><!-- > --><b name=">"/><c><![CDATA[<x>]]></c></a>';
  t.equal(childOf(parseXml(Buffer.from(plain)), 'c')?.text, '<x>');
});

t.test('XML: the five entities, CDATA as it stands, nothing declared (CAL-16, CAL-17)', async (t) => {
  const text = (xml: string): string => parseXml(Buffer.from(xml)).text;
  t.equal(text('<a>&lt;&#65;&#x42;&amp;lt;&nbsp;</a>'), '<AB&lt;&nbsp;');
  t.equal(text('<a>x<![CDATA[&lt;y]]>&gt;</a>'), 'x&lt;y>');
  for (const bad of [
    '',
    'no',
    '<a>',
    '<!DOCTYPE a><a/>',
    '<! doctype a><a/>',
    '<!ENTITY x "y"><a/>',
    `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`,
  ])
    t.throws(() => parseXml(Buffer.from(bad)), { code: 'UPSTREAM_REFUSED' }, bad.slice(0, 30));
});
