/** Messages that are written: addresses, headers, bodies, and the check that stands behind them. */
import PostalMime from 'postal-mime';
import fc from 'fast-check';
import { Ajv } from 'ajv';
import type { Json } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Arguments } from '../src/arguments.js';
import { addressProblem } from '../src/compose/address.js';
import { authorOf, readDraft, recipientsOf, WRITE_PARAMS } from '../src/compose/asked.js';
import { checkMessage, composeMessage, messageIdOf, type Draft } from '../src/compose/message.js';
import { imapContext, loopback, manifestOf } from './context.js';

const AUTHOR = { from: 'ada@example.org', nowMs: Date.parse('2025-03-28T12:00:00Z') };
const DRAFT: Draft = { to: ['bob@example.org'], cc: [], bcc: [], subject: 'Café', text: 'Hello\n.dot é', inReplyTo: '' };
const NAMES = ['From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding'];

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/mail.md'), 'utf8');

const read = (params: Readonly<Record<string, Json>>): Draft => readDraft(new Arguments(params, WRITE_PARAMS));

const refusedField = (t: Test, params: Readonly<Record<string, Json>>, field: string): void => {
  t.throws(
    () => read(params),
    { code: 'PARAMS_INVALID', data: { field: `params.${field}` } },
    JSON.stringify(params).slice(0, 100),
  );
};

t.test('MAIL-31, MAIL-37 the message of the specification', (t) => {
  const { bytes, messageId } = composeMessage(DRAFT, AUTHOR, false);
  t.equal(bytes.toString('latin1').replaceAll('\r\n', '\n'), /```message\n([\s\S]*?)```/.exec(spec)?.[1]);
  t.match(spec, messageId);
  t.end();
});

t.test('MAIL-30 addresses that may be written to, and those that may not', (t) => {
  for (const good of [
    'ada@example.org',
    "o'neil+x.y@a-b.example",
    'A_1@localhost',
    'x@xn--bcher-kva.example',
    `${'a'.repeat(64)}@example.org`,
  ])
    t.equal(addressProblem(good), null, good);
  for (const bad of [
    ...[
      '',
      'ada',
      '@example.org',
      'ada@',
      'a b@example.org',
      'ada@example..org',
      'ada@-x.org',
      'ada@x-.org',
      '.a@x.org',
      'a.@x.org',
      'a..b@x.org',
    ],
    ...[
      '"a b"@x.org',
      'ada@[127.0.0.1]',
      'Ada <ada@x.org>',
      '<ada@x.org>',
      'ada@x.org, eve@x.org',
      'ada@x.org;eve@x.org',
      '@a,@b:ada@x.org',
    ],
    ...[
      'ada@x.org>\r\nRCPT TO:<eve@x.org',
      'ada@x.org\nBcc: eve@x.org',
      'ada\0@x.org',
      'ada@x.org\r',
      'ada%eve@x.org ',
      'ada@x_y.org',
      'eve@evil!ada@x',
    ],
    ...[`${'a'.repeat(65)}@example.org`, `a@${'b'.repeat(64)}.org`, `a@${'b.'.repeat(130)}org`, 'a@b@c.org'],
  ])
    t.ok(addressProblem(bad), JSON.stringify(bad));
  t.match(addressProblem('info@bücher.example'), { expected: /info@xn--bcher-kva\.example/ }, 'its ASCII form is named');
  t.match(addressProblem('ada@exаmple.org'), { expected: /xn--/, found: /look like others/ }, 'a Cyrillic letter');
  t.match(addressProblem('ädä@example.org'), { expected: 'an address of ASCII characters alone' });
  t.match(addressProblem('ada@example\u3002org'), { found: /beyond ASCII/ }, 'another dot');
  t.end();
});

t.test('MAIL-3, MAIL-30, MAIL-31 what cannot be said in a header is refused by name', (t) => {
  const good = { to: ['bob@example.org'], subject: 'x', text: 'y' };
  t.same(read(good).to, ['bob@example.org']);
  for (const subject of [
    'a\r\nBcc: eve@example.org',
    'a\nb',
    'a\rb',
    'a\0',
    'a\u202eb',
    'a\u200bb',
    '\ud800',
    '',
    'x'.repeat(501),
  ])
    refusedField(t, { ...good, subject }, 'subject');
  for (const text of ['a\r\n.\r\nMAIL FROM:<x>', 'a\rb', 'a\0', 'a\u2066b', '\udc00', '', 'x'.repeat(50_001)])
    refusedField(t, { ...good, text }, 'text');
  for (const id of ['x', '<x>', '<a@b>\r\nBcc: eve@x', '<a b@c>', '<a@b@c>', '<a@b> <c@d>', '<é@b>', `<${'a'.repeat(200)}@b>`])
    refusedField(t, { ...good, in_reply_to: id }, 'in_reply_to');
  refusedField(t, { ...good, to: 'bob@example.org' }, 'to');
  refusedField(t, { ...good, to: [1] }, 'to[0]');
  refusedField(t, { ...good, cc: ['bob@example.org', 'eve@example.org\r\nX: y'] }, 'cc[1]');
  refusedField(t, { ...good, from: 'eve@example.org' }, 'from');
  refusedField(t, { ...good, to: Array.from({ length: 51 }, (_none, n) => `a${n}@example.org`) }, 'to');
  const half = (name: string): string[] => Array.from({ length: 26 }, (_none, n) => `${name}${n}@example.org`);
  refusedField(t, { ...good, to: half('a'), bcc: half('b') }, 'to');
  t.end();
});

t.test('a recipient named twice gets one message', (t) => {
  const draft = { ...DRAFT, to: ['bob@example.org'], cc: ['bob@EXAMPLE.org', 'Bob@example.org'], bcc: ['eve@example.org'] };
  t.same(recipientsOf(draft), ['bob@EXAMPLE.org', 'Bob@example.org', 'eve@example.org']);
  t.end();
});

t.test('MAIL-32 who it is from is sealed, or set where the sealed user is no address', (t) => {
  const context = imapContext(loopback(1));
  const withUser = (user: string, from?: string) => ({
    ...context,
    settings: from === undefined ? {} : { from },
    destination: { ...context.destination, user },
  });
  t.equal(authorOf(withUser('ada@example.org')).from, 'ada@example.org');
  t.equal(authorOf(withUser('ada@example.org', 'eve@example.org')).from, 'ada@example.org', 'the sealed one wins');
  t.equal(authorOf(withUser('u123', 'ada@example.org')).from, 'ada@example.org');
  for (const from of [undefined, '', 'x', 'a@b\r\nBcc: c@d'])
    t.throws(() => authorOf(withUser('u123', from)), { code: 'CONFIG_INVALID' });
  t.end();
});

t.test('MAIL-37 the same words on the same day have one Message-ID, and anything else another', (t) => {
  const ids = new Set([messageIdOf(DRAFT, AUTHOR), messageIdOf(DRAFT, { ...AUTHOR, nowMs: AUTHOR.nowMs + 3_600_000 })]);
  t.equal(ids.size, 1);
  const others: readonly (readonly [Partial<Draft>, object])[] = [
    [{ to: ['eve@example.org'] }, {}],
    [{ to: [], cc: ['bob@example.org'] }, {}],
    [{ bcc: ['eve@example.org'] }, {}],
    [{ subject: 'x' }, {}],
    [{ text: 'x' }, {}],
    [{ inReplyTo: '<a@b>' }, {}],
    [{}, { nowMs: AUTHOR.nowMs + 86_400_000 }],
    [{}, { from: 'eve@example.org' }],
  ];
  for (const [draft, author] of others) ids.add(messageIdOf({ ...DRAFT, ...draft }, { ...AUTHOR, ...author }));
  t.equal(ids.size, 9);
  t.end();
});

const hostile = fc.constantFrom(
  '\n.\n',
  '=?utf-8?B?eA==?=',
  '=',
  '.',
  'From ',
  ' ',
  '\t',
  'é',
  '🎉',
  '日本',
  ':',
  '\n\n',
  'Bcc: eve@example.org\n',
  '\u00a0',
);
const words = fc
  .array(fc.oneof(hostile, fc.string({ maxLength: 30 })), { minLength: 1, maxLength: 80 })
  .map((parts) => parts.join('').replace(/(?![\n\t])\p{Cc}/gu, ''))
  .filter((text) => text.trim() !== '');

t.test('MAIL-31 what another parser reads is what was asked, and every line is short ASCII', async (t) => {
  await fc.assert(
    fc.asyncProperty(words, words, async (subject, text) => {
      const oneLine = subject
        .replace(/[\n\t]/g, ' ')
        .slice(0, 500)
        .toWellFormed();
      const { bytes } = composeMessage({ ...DRAFT, subject: oneLine, text }, AUTHOR, false);
      const lines = bytes.toString('latin1').split('\r\n');
      if (!lines.every((line) => /^[\x20-\x7e\t]{0,76}$/.test(line) && !/^(?:\.|From )/.test(line))) return false;
      const parsed = await PostalMime.parse(bytes);
      const isSame = (parsed.text ?? '').replace(/\n$/, '') === text.replace(/\n$/, '');
      return isSame && parsed.subject?.trim() === oneLine.trim() && parsed.headers.length === NAMES.length;
    }),
    { numRuns: 1000 },
  );
  t.pass('1000 messages');
});

t.test('a draft keeps its hidden recipients, a sent message does not; an answer says what it answers', (t) => {
  const draft = { ...DRAFT, cc: ['cy@example.org'], bcc: ['eve@example.org'], inReplyTo: '<a@b>' };
  const [kept, sent] = [true, false].map((withBcc) => composeMessage(draft, AUTHOR, withBcc).bytes.toString());
  t.match(kept, /\r\nBcc: eve@example\.org\r\n/);
  t.notMatch(sent, /eve@/);
  for (const message of [kept, sent]) t.match(message, /\r\nIn-Reply-To: <a@b>\r\nReferences: <a@b>\r\n/);
  t.end();
});

t.test('MAIL-31 the check stands alone: whatever made the bytes, another header does not leave', (t) => {
  const { bytes } = composeMessage(DRAFT, AUTHOR, false);
  t.equal(checkMessage(bytes, NAMES), bytes);
  const text = bytes.toString('latin1');
  for (const bad of [
    text.replace('Subject: ', 'Subject: x\r\nBcc: eve@example.org\r\nX: '),
    text.replace('Subject: ', 'Bcc: '),
    text.replace('Subject: ', 'Subject: \n'),
    text.replace('Subject: ', 'Subject: \xe9'),
    text.replace('Subject: ', `Subject: ${'x'.repeat(1000)}`),
    text.replace('Subject: ', 'To: eve@example.org\r\nSubject: '),
    text.replace('Hello', 'Hel\0lo'),
    text.replace('Hello', 'Hel\rlo'),
    text.slice(0, -2),
    text.replace('\r\n\r\n', '\r\n'),
  ])
    t.throws(() => checkMessage(Buffer.from(bad, 'latin1'), NAMES), { code: 'INTERNAL' }, JSON.stringify(bad.slice(0, 200)));
  t.end();
});

t.test('the schema refuses, before anybody is asked, what the connector would refuse after', (t) => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  const send = manifestOf('imap').operations.find(({ name }) => name === 'send_message');
  const check = ajv.compile(send?.params ?? {});
  const good = { to: ['bob@example.org'], subject: 'Hi é', text: 'a\n\tb', in_reply_to: '<a@b.org>' };
  t.ok(check(good), JSON.stringify(check.errors));
  for (const bad of [
    { ...good, to: ['Bob <bob@example.org>'] },
    { ...good, to: ['bob@bücher.example'] },
    { ...good, to: ['bob@example.org\r\n'] },
    { ...good, bcc: ['a@b\n'] },
    { ...good, subject: 'a\r\nb' },
    { ...good, subject: 'a\u202eb' },
    { ...good, text: 'a\r\n' },
    { ...good, in_reply_to: '<a@b>\n' },
    { ...good, ghost: 1 },
    { subject: 'x', text: 'y' },
  ])
    t.notOk(check(bad), JSON.stringify(bad));
  t.end();
});
