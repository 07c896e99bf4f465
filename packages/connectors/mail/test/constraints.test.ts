/** A mailbox held to the folders and the number of results of a lease. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorSession, Json } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { connector } from '../src/index.js';
import { encodeId } from '../src/ids.js';
import { maildirContext, refused, type ResultOf } from './context.js';
import { fillMaildir } from './mail-fixture.js';

const mailbox = async (t: Test): Promise<ConnectorSession> => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-constraints-')), 'Maildir');
  mkdirSync(path);
  fillMaildir(path);
  t.teardown(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  return connector.open(maildirContext(path));
};
const call = async (
  session: ConnectorSession,
  name: string,
  params: Readonly<Record<string, Json>>,
  constraints: Readonly<Record<string, Json>>,
): Promise<ResultOf> =>
  (await session.execute(name, params, { signal: new AbortController().signal, constraints })).result as unknown as ResultOf;

const SENT = { folders: ['Sent'] };

t.test('MAIL-18 only folders of the lease are listed, searched, counted and read', async (t) => {
  const session = await mailbox(t);
  t.match(await call(session, 'list_folders', {}, SENT), { folders: [{ name: 'Sent' }] });
  const { messages } = await call(session, 'list_messages', { folder: 'Sent' }, SENT);
  const id = messages[0]?.id ?? '';
  t.ok(await call(session, 'get_message', { id }, SENT));
  for (const name of ['list_messages', 'search', 'count_unread']) {
    await refused(t, call(session, name, {}, SENT), 'CONSTRAINT', `${name} of INBOX, which is what no folder means`);
    for (const folder of ['INBOX', 'sent', 'R&AOk-sum&AOk-', 'Sent/', 'Sent ', '.Sent'])
      await refused(t, call(session, name, { folder }, SENT), 'CONSTRAINT', `${name} of ${folder}`);
    await refused(t, call(session, name, { folder: 'Sent' }, { folders: [] }), 'CONSTRAINT', 'an empty list allows nothing');
  }
  const inbox = (await call(session, 'list_messages', {}, {})).messages[0]?.id ?? '';
  t.ok(await call(session, 'get_message', { id: inbox }, {}), 'negative control: without the constraint it is read');
  await refused(t, call(session, 'get_message', { id: inbox }, SENT), 'CONSTRAINT', 'an id of another folder');
  await refused(t, call(session, 'get_attachment', { id: inbox, part: '2' }, SENT), 'CONSTRAINT', 'its attachment');
  const [, uidvalidity, uid] = JSON.parse(Buffer.from(inbox, 'base64url').toString()) as [string, number, string];
  const forged = encodeId({ folder: 'Sent', uidvalidity, uid });
  await refused(t, call(session, 'get_message', { id: forged }, SENT), 'NOT_FOUND', 'an id moved into an allowed folder');
});

t.test('MAIL-19 no call returns more than the lease allows, and the next page goes on', async (t) => {
  const session = await mailbox(t);
  const two = { maxResults: 2 };
  const first = await call(session, 'list_messages', { limit: 100 }, two);
  t.equal(first.messages.length, 2);
  const next = await call(session, 'list_messages', { limit: 100, cursor: first.next_cursor ?? '' }, two);
  t.equal(next.messages.length, 2);
  t.not(next.messages[0]?.id, first.messages[0]?.id);
  t.equal((await call(session, 'search', {}, two)).messages.length, 2);
  t.match(await call(session, 'list_folders', {}, two), { folders: { length: 2 } });
  t.equal((await call(session, 'list_messages', { limit: 1 }, two)).messages.length, 1, 'a smaller limit stays');
  t.equal((await call(session, 'list_messages', {}, {})).messages.length, 20, 'negative control');
});
