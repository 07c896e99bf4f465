/** A mailbox held to senders, domains and days: found, counted and read is what the lease reaches, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorSession, Json } from '@airlock/protocol';
import { startImapDouble, type DoubleMessage } from '@airlock/testkit';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { connector } from '../src/index.js';
import { areAllowed, reachOf } from '../src/reach.js';
import { sendersIn } from '../src/senders.js';
import { imapContext, loopback, maildirContext, refused, type ResultOf } from './context.js';

type Members = Readonly<Record<string, Json>>;

const call = async (session: ConnectorSession, name: string, params: Members, constraints: Members): Promise<ResultOf> =>
  (await session.execute(name, params, { signal: new AbortController().signal, constraints })).result as unknown as ResultOf;

/** Who wrote, and the day in January 2025 on which it arrived. */
const MAILS: readonly (readonly [from: string, day: number])[] = [
  ['Ada <ada@example.org>', 1],
  ['ADA@Example.ORG', 5],
  ['"ada@example.org" <eve@evil.test>', 6],
  ['ada@example.org.evil.test', 7],
  ['notada@example.org', 8],
  ['Bob <bob@other.test>', 9],
  ['ada@example.org, eve@evil.test', 10],
  ['ada@example.org', 20],
];

const mailbox = async (t: Test): Promise<ConnectorSession> => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-reach-')), 'Maildir');
  for (const sub of ['cur', 'new', 'tmp']) mkdirSync(join(path, sub), { recursive: true });
  t.teardown(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  for (const [index, [from, day]] of MAILS.entries()) {
    const seconds = Date.UTC(2025, 0, day, 12) / 1000;
    writeFileSync(
      join(path, 'cur', `${seconds}.M${index}P1.host:2,${index % 2 === 0 ? 'S' : ''}`),
      // The date that the sender wrote says nothing (MAIL-31).
      `From: ${from}\r\nSubject: mail ${index}\r\nDate: Mon, 06 Jan 2025 00:00:00 +0000\r\n\r\nsecret ${index}\r\n`,
    );
  }
  return connector.open(maildirContext(path));
};

const subjects = ({ messages }: ResultOf): string[] => messages.map(({ subject }) => subject.slice(5)).reverse();

const ADA = { senders: ['ada@example.org'] };

t.test('MAIL-30 a sender is who wrote, not who is named, begins so or ends so', async (t) => {
  const session = await mailbox(t);
  t.same(subjects(await call(session, 'list_messages', {}, {})), ['0', '1', '2', '3', '4', '5', '6', '7'], 'negative control');
  for (const name of ['list_messages', 'search']) {
    const found = await call(session, name, {}, ADA);
    t.same([subjects(found), found.total], [['0', '1', '7'], 3], name);
    t.same(subjects(await call(session, name, {}, { domains: ['example.org'] })), ['0', '1', '4', '7']);
    t.same(subjects(await call(session, name, {}, { ...ADA, domains: ['other.test'] })), [], 'both hold');
    t.same(subjects(await call(session, name, {}, { senders: [] })), [], 'an empty list allows nothing');
  }
  t.match(await call(session, 'count_unread', {}, ADA), { total: 3, unread: 2 });
  t.match(await call(session, 'count_unread', {}, {}), { total: 8, unread: 4 }, 'negative control');
  t.same(subjects(await call(session, 'search', { from: 'eve' }, ADA)), [], 'what is asked only narrows');
});

t.test('MAIL-31 days are days of arrival, UTC: the first is within and the last is not', async (t) => {
  const session = await mailbox(t);
  const days = { since: '2025-01-06', before: '2025-01-09' };
  for (const name of ['list_messages', 'search']) {
    const found = await call(session, name, {}, days);
    t.same([subjects(found), found.total], [['2', '3', '4'], 3], name);
    t.same(subjects(await call(session, name, {}, { ...days, ...ADA })), []);
  }
  t.same(subjects(await call(session, 'search', { since: '2025-01-01', before: '2026-01-01' }, days)), ['2', '3', '4']);
  t.same(subjects(await call(session, 'search', { since: '2025-01-08' }, days)), ['4']);
  t.match(await call(session, 'count_unread', {}, days), { total: 3, unread: 1 });
});

t.test('MAIL-32 an id or a cursor leads nowhere outside, and pages end where the reach ends', async (t) => {
  const session = await mailbox(t);
  const all = (await call(session, 'list_messages', {}, {})).messages;
  const reached = new Set((await call(session, 'list_messages', {}, ADA)).messages.map(({ id }) => id));
  for (const { id, subject } of all) {
    if (reached.has(id)) {
      t.match(await call(session, 'get_message', { id }, ADA), { subject });
      continue;
    }
    await refused(t, call(session, 'get_message', { id }, ADA), 'NOT_FOUND', subject);
    await refused(t, call(session, 'get_attachment', { id, part: '1' }, ADA), 'NOT_FOUND', subject);
  }
  const first = await call(session, 'list_messages', { limit: 2 }, ADA);
  const next = await call(session, 'list_messages', { limit: 2, cursor: first.next_cursor ?? '' }, ADA);
  t.same([subjects(first), subjects(next), next.next_cursor], [['1', '7'], ['0'], null]);
  const whole = await call(session, 'list_messages', { limit: 2 }, {});
  await refused(t, call(session, 'list_messages', { cursor: whole.next_cursor ?? '' }, ADA), 'PARAMS_INVALID', 'another reach');
});

t.test('a constraint that cannot be read allows nothing', async (t) => {
  const session = await mailbox(t);
  for (const constraints of [{ senders: 'ada@example.org' }, { domains: [1] }, { since: '6 Jan' }, { before: 20250101 }])
    await refused(t, call(session, 'list_messages', {}, constraints), 'CONSTRAINT', JSON.stringify(constraints));
});

const imapMessages: DoubleMessage[] = MAILS.map(([from], index) => ({
  uid: index + 1,
  headers: `From: ${from}\r\nSubject: mail ${index}\r\nDate: Wed, 01 Jan 2025 00:00:00 +0000`,
  sections: { '1': 'hello' },
  seen: index % 2 === 0,
}));

t.test('MAIL-32 over IMAP the conditions are in the search, and a server that ignores them shows nothing more', async (t) => {
  // The double finds every message, whatever it is asked for; all arrived on 2025-01-01.
  const double = await startImapDouble({ messages: imapMessages });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  t.teardown(() => session.close());
  for (const name of ['list_messages', 'search']) {
    double.lines.length = 0;
    const found = await call(session, name, {}, { ...ADA, since: '2025-01-01', before: '2025-01-02' });
    t.same([subjects(found), found.total], [['0', '1', '7'], 3], name);
    const search = double.lines.find((line) => line.includes('SEARCH')) ?? '';
    t.match(search, /SINCE 1-Jan-2025/);
    t.match(search, /BEFORE 2-Jan-2025/);
    t.match(search, /FROM "ada@example.org"/);
    t.same((await call(session, name, {}, { since: '2025-01-04' })).messages, [], 'what arrived too early is dropped here');
    t.same((await call(session, name, {}, { before: '2024-12-30' })).messages, [], 'what arrived too late, too');
  }
  t.match(await call(session, 'count_unread', {}, ADA), { total: 3 });
  const { messages } = await call(session, 'list_messages', {}, {});
  for (const { id, subject } of messages) {
    const isAda = ['mail 0', 'mail 1', 'mail 7'].includes(subject);
    if (isAda) t.match(await call(session, 'get_message', { id }, ADA), { subject });
    else await refused(t, call(session, 'get_message', { id }, ADA), 'NOT_FOUND', subject);
    await refused(t, call(session, 'get_message', { id }, { since: '2025-01-04' }), 'NOT_FOUND', subject);
  }
});

t.test('a header is read once a session for its sender', async (t) => {
  const double = await startImapDouble({ messages: imapMessages });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  t.teardown(() => session.close());
  const fetches = (): number => double.lines.filter((line) => line.includes('HEADER.FIELDS (FROM)')).length;
  await call(session, 'count_unread', {}, ADA);
  t.equal(fetches(), 1);
  await call(session, 'count_unread', {}, { domains: ['other.test'] });
  t.equal(fetches(), 1, 'what was read is who wrote, not whether it was allowed');
});

const header = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\nbody`);

t.test('MAIL-33 what leaves doubt about the sender has none', async (t) => {
  t.same(sendersIn(header('From: Ada <ada@example.org>')), ['ada@example.org'], 'control');
  t.same(sendersIn(header('X: 1', 'FROM :\r\n  ada@example.org')), ['ada@example.org'], 'control: folded, spaced');
  t.same(sendersIn(header('From: team: ada@a.test, bob@b.test;')), ['ada@a.test', 'bob@b.test'], 'control: a group');
  const hostile: [string, Buffer][] = [
    ['no From field', header('To: ada@example.org')],
    ['two of them', header('From: ada@example.org', 'From: eve@evil.test')],
    ['a zero-width space in it', header('From: ada@exam\u200bple.org')],
    ['no @', header('From: example.org')],
    ['a cut header', Buffer.from('From: ada@example.org')],
    ['a body that looks like one', Buffer.from('\r\n\r\nFrom: ada@example.org\r\n\r\n')],
    ['longer than an address', header(`From: ${'a'.repeat(242)}@example.org.evil.test`)],
    ['a header without end', Buffer.from(`From: ada@example.org\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`)],
  ];
  for (const [name, bytes] of hostile) t.same(sendersIn(bytes), [], name);
});

t.test('MAIL-30 whatever the From field holds, nothing is reached that is not exactly allowed', async (t) => {
  const piece = fc.constantFrom(
    'ada@example.org',
    'eve@evil.test',
    '"',
    '<',
    '>',
    ',',
    ' ',
    '(',
    ')',
    ';',
    ':',
    '\\',
    '.evil.test',
    '\r\n ',
    '=?utf-8?q?x?=',
    '@',
    '\u200b',
    'x',
  );
  const reach = reachOf({ senders: ['ada@example.org'], domains: ['example.org'] });
  const isExact = (allowed: typeof areAllowed): fc.IPropertyWithHooks<[string[]]> =>
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const from = sendersIn(header(`From: ${pieces.join('')}`));
      return !allowed(reach, from) || (from.length > 0 && from.every((one) => one === 'ada@example.org'));
    });
  fc.assert(isExact(areAllowed), { numRuns: 5000 });
  t.throws(
    () =>
      fc.assert(
        isExact((_reach, from) => from.some((one) => one.includes('ada@example.org'))),
        { numRuns: 5000 },
      ),
    'negative control',
  );
});
