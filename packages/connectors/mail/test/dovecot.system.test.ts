/** Against a real Dovecot with 500 messages; run by `npm run test:system`. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { sha256Hex, type ConnectorSession, type Origin, type Params } from '@airlock/protocol';
import t from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { imapContext, refused, run, type ResultOf } from './context.js';
import { startDovecot, type DovecotServer } from '@airlock/testkit';
import { attachmentBytes, fillMaildir, FIRST_S, ODD_CHARSETS } from './mail-fixture.js';

const ALLOWED_VERBS = [
  'CAPABILITY',
  'ID',
  'LOGIN',
  'AUTHENTICATE',
  'STARTTLS',
  'EXAMINE',
  'LIST',
  'STATUS',
  'SEARCH',
  'FETCH',
  'NOOP',
  'LOGOUT',
  'ENABLE',
  'NAMESPACE',
];

const isDovecots = (name: string): boolean => /(?:^|\/)(?:dovecot[^/]*|subscriptions)$/.test(name);

/** Names, times and bytes of the mail, without Dovecot's own files. */
const mailDigest = (path: string): string => {
  const hash = createHash('sha256');
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    const stat = statSync(join(path, name));
    if (isDovecots(name) || !stat.isFile()) continue;
    hash.update(JSON.stringify([name.replace(/(^|\/)new\/([^/]*)$/, '$1new/$2'), stat.mtimeMs]));
    hash.update(readFileSync(join(path, name)));
  }
  return hash.digest('hex');
};

const HOSTILE = [
  'x\r\nA99 CREATE "pwned"',
  'x"\r\nA99 UID STORE 1:* +FLAGS (\\Deleted)\r\n',
  'ü\r\nA99 DELETE "Sent"\r\n',
  '* ) (',
  '"',
  '\\',
  '{5}',
  '%n',
  '))))',
  'UNSEEN',
  "'; DROP TABLE",
];

let server: DovecotServer;
const verbs = new Set<string>();

const openAt = (
  origin: Origin,
  more: { readonly ca?: string; readonly checkArguments?: boolean } = {},
): Promise<ConnectorSession> => openImapSession(imapContext(origin), { onCommand: (verb) => verbs.add(verb), ...more });

t.before(async () => {
  server = await startDovecot(fillMaildir);
});
t.teardown(() => server.stop());

t.test('every operation, read back in full', async (t) => {
  const session = await openAt({ scheme: 'none', host: server.host, port: server.port });
  const { folders } = await run(session, 'list_folders');
  t.same(folders.map(({ name }) => name).sort(), ['INBOX', 'Résumé', 'Sent', 'Work', 'Work/Deep']);
  const ids: string[] = [];
  for (const { name } of folders) {
    for (let cursor: string | null = null; ;) {
      const page = await run(session, 'list_messages', { folder: name, limit: 100, ...(cursor === null ? {} : { cursor }) });
      ids.push(...page.messages.map(({ id }) => id));
      cursor = page.next_cursor;
      if (cursor === null) break;
    }
  }
  t.equal(new Set(ids).size, 500, 'every message once');
  for (const id of ids) await run(session, 'get_message', { id });
  for (const { label, text } of ODD_CHARSETS) {
    const [found] = (await run(session, 'search', { subject: `Odd ${label}` })).messages;
    t.equal((await run(session, 'get_message', { id: String(found?.id) })).body, text, label);
  }
  const [report] = (await run(session, 'search', { subject: 'Report 433' })).messages;
  t.same(
    report?.attachments.map(({ part, filename, type }) => [part, filename, type]),
    [['2', 'report 433.pdf', 'application/pdf']],
  );
  const piece = await run(session, 'get_attachment', { id: String(report?.id), part: '2' });
  t.same(Buffer.from(piece.base64, 'base64'), attachmentBytes(433));
  const [html] = (await run(session, 'search', { subject: 'Angebot für 435' })).messages;
  t.match(await run(session, 'get_message', { id: String(html?.id) }), {
    body: 'Visible offer\n\nVisible end',
    hidden_text_dropped: true,
  });
  t.match(await run(session, 'count_unread'), { total: 440, unread: 153 });
  t.equal((await run(session, 'search', { has_attachment: true, from: 'sender3', limit: 100 })).messages.length, 43);
  await session.close();
});

t.test('MAIL-12 TLS, STARTTLS and a pin', async (t) => {
  const pin = sha256Hex(new X509Certificate(server.certificate).publicKey.export({ type: 'spki', format: 'der' }));
  const tls = { scheme: 'tls', host: 'localhost', port: server.tlsPort };
  const starttls = { scheme: 'starttls', host: 'localhost', port: server.port };
  for (const origin of [tls, starttls]) {
    const session = await openAt(origin, { ca: server.certificate });
    t.equal((await run(session, 'count_unread')).total, 440, origin.scheme);
    await session.close();
    const unknown = await refused(t, openAt(origin), 'UPSTREAM_REFUSED', `${origin.scheme}: unknown authority`);
    t.equal(unknown.data.found, 'tls');
    const pinned = await openAt({ ...origin, tlsPin: pin });
    await pinned.close();
    const wrong = await refused(
      t,
      openAt({ ...origin, tlsPin: pin.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }),
      'UPSTREAM_REFUSED',
      'another key',
    );
    t.equal(wrong.data.found, 'tls');
  }
});

t.test('a wrong password says so', async (t) => {
  const context = imapContext({ scheme: 'none', host: server.host, port: server.port }, 'imap', 'wrong');
  const error = await refused(t, openImapSession(context), 'UPSTREAM_REFUSED', 'wrong password');
  t.equal(error.data.found, 'bad_credentials');
});

t.test('whatever strings an agent sends, the mailbox stays as it is', async (t) => {
  const before = mailDigest(server.maildir);
  for (const checkArguments of [true, false]) {
    const session = await openAt({ scheme: 'none', host: server.host, port: server.port }, { checkArguments });
    for (const text of HOSTILE) {
      for (const field of ['from', 'subject', 'text', 'folder'])
        await run(session, 'search', { [field]: text }).catch(() => undefined);
      await run(session, 'count_unread', { folder: text }).catch(() => undefined);
    }
    const { folders } = await run(session, 'list_folders');
    t.notOk(
      folders.some(({ name }) => name.includes('pwned')),
      `no folder was made (argument check ${checkArguments})`,
    );
    await session.close();
  }
  t.equal(mailDigest(server.maildir), before);
});

t.test('new mail is seen and does not move a page', async (t) => {
  const session = await openAt({ scheme: 'none', host: server.host, port: server.port });
  const first = await run(session, 'list_messages', { folder: 'Work', limit: 5 });
  t.equal(first.total, 0);
  mkdirSync(join(server.maildir, '.Work', 'cur'), { recursive: true });
  writeFileSync(join(server.maildir, '.Work', 'cur', `${FIRST_S}.M1.late:2,`), 'Subject: late\r\n\r\nx\r\n', { mode: 0o644 });
  t.equal((await run(session, 'list_messages', { folder: 'Work' })).messages[0]?.subject, 'late');
  await session.close();
});

t.test('MAIL-30, MAIL-31, MAIL-32: a real server searches within what the lease reaches', async (t) => {
  const session = await openAt({ scheme: 'none', host: server.host, port: server.port });
  const signal = new AbortController().signal;
  const held = async (name: string, params: Params, constraints: Params): Promise<ResultOf> =>
    (await session.execute(name, params, { signal, constraints })).result as unknown as ResultOf;
  const one = { senders: ['sender3@example.org'] };
  t.match(await held('list_messages', { limit: 5 }, one), { total: 44, messages: { length: 5 } });
  t.match(await held('search', { text: 'Report', limit: 100 }, one), { messages: { length: 43 } });
  t.match(await held('count_unread', {}, one), { total: 44, unread: 15 });
  t.match(await held('list_messages', {}, { domains: ['example.org'] }), { total: 440 });
  t.match(await held('list_messages', {}, { domains: ['xample.org'] }), { total: 0 });
  t.match(await held('list_messages', {}, { since: '2024-12-30', before: '2025-01-03' }), { total: 440 });
  for (const days of [{ since: '2025-01-03' }, { before: '2024-12-30' }])
    t.match(await held('list_messages', {}, days), { total: 0, messages: [], next_cursor: null });
  const [other] = (await held('search', { from: 'sender4' }, {})).messages;
  const id = other?.id ?? '';
  t.ok(await held('get_message', { id }, {}), 'negative control');
  await refused(t, held('get_message', { id }, one), 'NOT_FOUND', 'of another sender');
  await refused(t, held('get_message', { id }, { since: '2025-01-03' }), 'NOT_FOUND', 'of another day');
  t.ok(await held('get_message', { id }, { senders: ['sender4@example.org'], since: '2024-12-30' }));
  await session.close();
});

t.test('the verbs on the wire are within the list', async (t) => {
  t.ok(verbs.size >= 7);
  t.same(
    [...verbs].filter((verb) => !ALLOWED_VERBS.includes(verb)),
    [],
  );
  t.comment(`verbs: ${[...verbs].join(' ')}`);
});
