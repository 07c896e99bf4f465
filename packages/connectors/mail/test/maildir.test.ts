import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connector } from '../src/index.js';
import { maildirContext, refused, run } from './context.js';
import { attachmentBytes, fillMaildir, ODD_CHARSETS } from './mail-fixture.js';

const maildir = (t: Test): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-maildir-')), 'Maildir');
  mkdirSync(path);
  fillMaildir(path);
  t.teardown(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  return path;
};

/** Names, modes, times and bytes of a whole tree. */
const treeDigest = (path: string): string => {
  const hash = createHash('sha256');
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    const full = join(path, name);
    const { mode, size, mtimeMs, ctimeMs } = lstatSync(full);
    hash.update(JSON.stringify([name, mode, size, mtimeMs, ctimeMs]));
    if (lstatSync(full).isFile()) hash.update(readFileSync(full));
    if (lstatSync(full).isSymbolicLink()) hash.update(readlinkSync(full));
  }
  return hash.digest('hex');
};

t.test('MAIL-17 all operations, and not a byte, name or time changes', async (t) => {
  const path = maildir(t);
  const before = treeDigest(path);
  const session = await connector.open(maildirContext(path));
  const { folders } = await run(session, 'list_folders');
  t.same(
    folders.map(({ name }) => name),
    ['INBOX', 'Résumé', 'Sent', 'Work', 'Work/Deep'],
  );
  const seen: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await run(session, 'list_messages', { limit: 100, ...(cursor === null ? {} : { cursor }) });
    seen.push(...page.messages.map(({ id }) => id));
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  t.equal(new Set(seen).size, 440, 'every message once');
  for (const id of seen.slice(-20)) await run(session, 'get_message', { id });
  const [report] = (await run(session, 'search', { subject: 'Report 433' })).messages;
  const piece = await run(session, 'get_attachment', { id: String(report?.id), part: '2', offset: 100, length: 50 });
  t.same(Buffer.from(piece.base64, 'base64'), attachmentBytes(433).subarray(100, 150));
  t.match(await run(session, 'count_unread'), { unread: 153, total: 440 });
  t.equal((await run(session, 'list_messages', { folder: 'Résumé' })).total, 10);
  await session.close();
  t.equal(treeDigest(path), before);
});

t.test('the digest would notice a flag, a name or a byte', async (t) => {
  const path = maildir(t);
  const before = treeDigest(path);
  const [file = ''] = readdirSync(join(path, 'new'));
  renameSync(join(path, 'new', file), join(path, 'cur', `${file}:2,S`));
  t.not(treeDigest(path), before);
});

t.test('charsets, HTML and search', async (t) => {
  const path = maildir(t);
  const session = await connector.open(maildirContext(path));
  for (const { label, text } of ODD_CHARSETS) {
    const [found] = (await run(session, 'search', { subject: `Odd ${label}`, before: '2025-01-02' })).messages;
    t.equal((await run(session, 'get_message', { id: String(found?.id) })).body, text, label);
  }
  const html = await run(session, 'search', { subject: 'angebot FÜR', limit: 1 });
  t.match(await run(session, 'get_message', { id: String(html.messages[0]?.id) }), {
    body: /^Visible offer\n\nVisible end$/,
    hidden_text_dropped: true,
    body_type: 'text/html',
  });
  const some = await run(session, 'search', { has_attachment: true, unread: true, limit: 5 });
  t.ok(some.messages.length === 5 && some.messages.every((message) => message.has_attachment && message.unread));
  const more = await run(session, 'search', { has_attachment: true, unread: true, limit: 5, cursor: some.next_cursor });
  t.notOk(more.messages.some(({ id }) => some.messages.some((message) => message.id === id)));
  t.equal((await run(session, 'search', { text: 'Ignore nothing', since: '2030-01-01' })).total, 0);
  await session.close();
});

t.test('MAIL-16 links, devices and names outside are not followed', async (t) => {
  const path = maildir(t);
  const outside = join(path, '..', 'secret.txt');
  writeFileSync(outside, 'Subject: SECRET\r\n\r\nSECRET');
  symlinkSync(outside, join(path, 'cur', '1800000000.M1.link:2,'));
  symlinkSync(join(path, '..'), join(path, '.Linked'));
  mkdirSync(join(path, '.Trap'));
  symlinkSync(join(path, 'cur'), join(path, '.Trap', 'cur'));
  spawnSync('mkfifo', [join(path, 'cur', '1800000001.M1.pipe:2,')]);
  const session = await connector.open(maildirContext(path));
  t.notMatch(JSON.stringify(await run(session, 'list_messages')), /SECRET/);
  t.notOk((await run(session, 'list_folders')).folders.some(({ name }) => name === 'Linked'));
  t.equal((await run(session, 'list_messages', { folder: 'Trap' })).total, 0, 'cur is a link');
  for (const folder of ['../..', '..', '.', 'Sent/../..', '/etc', 'Linked', 'Work.Deep'])
    await refused(t, run(session, 'list_messages', { folder }), 'NOT_FOUND', folder);
  const forged = Buffer.from(JSON.stringify(['INBOX', 0, '../../secret.txt'])).toString('base64url');
  await refused(t, run(session, 'get_message', { id: forged }), 'NOT_FOUND', 'forged id');
  await session.close();
  const link = join(path, '..', 'link');
  symlinkSync(path, link);
  await refused(t, connector.open(maildirContext(link)), 'UNAVAILABLE', 'the path itself is a link');
});

t.test('what is no maildir, an unknown operation, a deadline', async (t) => {
  await refused(t, connector.open(maildirContext('/nonexistent')), 'UNAVAILABLE', 'absent');
  await refused(t, connector.test(maildirContext('relative')), 'CONFIG_INVALID', 'relative');
  const path = maildir(t);
  await refused(
    t,
    connector.open({ ...maildirContext(path), settings: { path: '/other' } }),
    'CONFIG_INVALID',
    'not the sealed path',
  );
  const session = await connector.open(maildirContext(path));
  await refused(t, run(session, 'store'), 'OPERATION_UNKNOWN', 'unknown');
  await refused(t, run(session, 'list_messages', {}, AbortSignal.abort()), 'UPSTREAM_TIMEOUT', 'deadline');
  await refused(t, run(session, 'search', { query: 'x' }), 'PARAMS_INVALID', 'query is for gmail');
  const { next_cursor: cursor } = await run(session, 'list_messages', { limit: 1 });
  await refused(t, run(session, 'list_messages', { folder: 'Sent', cursor }), 'PARAMS_INVALID', 'cursor of another folder');
});

t.test('MAIL-17 a maildir takes no draft and sends nothing', async (t) => {
  const path = maildir(t);
  const before = treeDigest(path);
  const session = await connector.open(maildirContext(path));
  for (const operation of ['save_draft', 'send_message'])
    await refused(
      t,
      run(session, operation, { to: ['bob@example.org'], subject: 'x', text: 'y' }),
      'OPERATION_UNKNOWN',
      operation,
    );
  await session.close();
  t.equal(treeDigest(path), before);
});
