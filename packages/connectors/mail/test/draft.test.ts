/** save_draft: one APPEND, what its answers mean, and that nothing else changes. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startImapDouble, type DoubleOptions, type ImapDouble } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { clockAt, imapContext, loopback, refused, run } from './context.js';

const ASKED = { to: ['bob@example.org'], bcc: ['eve@example.org'], subject: 'Hi', text: 'Hello\nBob' };

type Hook = NonNullable<DoubleOptions['answer']>;

const withDrafts =
  (list: string, hook?: Hook): Hook =>
  (command, socket) => {
    if (command.verb !== 'LIST') return hook?.(command, socket) ?? false;
    socket.write(`${list}${command.tag} OK done\r\n`);
    return true;
  };

const LIST =
  '* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\HasNoChildren \\Drafts) "/" "Entw&APw-rfe"\r\n* LIST () "/" "Drafts"\r\n';

const contextAt = (port: number) => ({
  ...imapContext(loopback(port)),
  settings: { from: 'ada@example.org' },
  clock: clockAt('2025-03-28T12:00:00Z'),
});

const started = async (t: Test, list = LIST, hook?: Hook) => {
  const double: ImapDouble = await startImapDouble({ answer: withDrafts(list, hook) });
  t.teardown(() => double.stop());
  const session = await openImapSession(contextAt(double.port));
  t.teardown(() => session.close());
  return { double, session };
};

const appends = ({ lines }: ImapDouble): readonly string[] => lines.filter((line) => line.includes('APPEND'));

t.test('MAIL-2 a draft is added to the folder for drafts, seen, with everybody it is for', async (t) => {
  const { double, session } = await started(t);
  t.match(await run(session, 'save_draft', ASKED), {
    folder: 'Entwürfe',
    message_id: /^<airlock\.[0-9a-f]{32}@example\.org>$/,
    saved: true,
  });
  const [append, ...more] = appends(double);
  t.same(more, []);
  t.match(
    append,
    /^A[0-9]+ APPEND "Entw&APw-rfe" \(\\Draft \\Seen\) \{[0-9]+\}From: ada@example\.org\r\nTo: bob@example\.org\r\nBcc: eve@example\.org\r\n/,
  );
  t.match(append, /\r\n\r\nHello\r\nBob\r\n$/);
  t.match(await run(session, 'count_unread'), { total: 0 }, 'the session goes on');
});

t.test('where no folder says it is for drafts, the one that is called so; where none is, nothing', async (t) => {
  const { double, session } = await started(t, '* LIST () "." "INBOX"\r\n* LIST () "." "INBOX.Drafts"\r\n');
  t.match(await run(session, 'save_draft', ASKED), { folder: 'INBOX.Drafts' });
  t.equal(appends(double).length, 1);
  const none = await started(t, '* LIST () "." "INBOX"\r\n* LIST (\\Noselect) "." "Drafts"\r\n');
  await refused(t, run(none.session, 'save_draft', ASKED), 'NOT_FOUND', 'no drafts');
  t.equal(appends(none.double).length, 0);
});

t.test('MAIL-36 what the server answers: refused, accepted, accepted and gone, silent, broken', async (t) => {
  const answers: Readonly<Record<string, (tag: string, socket: Socket) => void>> = {
    UPSTREAM_REFUSED: (tag, socket) => socket.write(`${tag} NO [OVERQUOTA] full\r\n`),
    saved: (tag, socket) => socket.end(`${tag} OK [APPENDUID 1 2] done\r\n* BYE bye\r\n`),
    OUTCOME_UNKNOWN: (_tag, socket) => socket.destroy(),
    'OUTCOME_UNKNOWN 2': (_tag, socket) => socket.write('this is no IMAP\r\n'),
    'OUTCOME_UNKNOWN 3': (_tag, socket) => socket.end('* BYE bye\r\n'),
  };
  for (const [ending, answer] of Object.entries(answers)) {
    const { double, session } = await started(t, LIST, ({ verb, tag }, socket) => {
      if (verb !== 'APPEND') return false;
      answer(tag, socket);
      return true;
    });
    const [code = ''] = ending.split(' ');
    if (code === 'saved') t.match(await run(session, 'save_draft', ASKED), { saved: true });
    else {
      const error = await refused(t, run(session, 'save_draft', ASKED), code as 'OUTCOME_UNKNOWN', ending);
      if (code === 'OUTCOME_UNKNOWN') t.match(error.data.hint, /Message-ID <airlock\..*> in Entwürfe/);
      t.notMatch(JSON.stringify(error.data), /full|OVERQUOTA/);
    }
    t.equal(appends(double).length, 1, 'never sent again');
  }
});

t.test('MAIL-36 a call that ends while the server is silent', async (t) => {
  const aborting = new AbortController();
  const { session } = await started(t, LIST, ({ verb }) => {
    if (verb === 'APPEND') aborting.abort();
    return verb === 'APPEND';
  });
  await refused(t, run(session, 'save_draft', ASKED, aborting.signal), 'OUTCOME_UNKNOWN', 'silent');
});

/** Answers the announcement itself; the honest double always asks for the bytes. */
const announcing = async (t: Test, answer: (tag: string) => string) => {
  let received = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('* OK ready\r\n');
    socket.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        received += `${line}\n`;
        const [tag = '', verb = ''] = line.split(' ');
        if (verb === 'APPEND') socket.write(answer(tag));
        else
          socket.write(`${verb === 'CAPABILITY' ? '* CAPABILITY IMAP4rev1\r\n' : verb === 'LIST' ? LIST : ''}${tag} OK done\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const session = await openImapSession(contextAt((server.address() as AddressInfo).port));
  t.teardown(() => session.close());
  return { session, received: () => received };
};

t.test('MAIL-5, MAIL-36 a server that refuses the announcement, or accepts what it never got: nothing left', async (t) => {
  for (const status of ['NO', 'OK', 'BAD']) {
    const { session, received } = await announcing(t, (tag) => `${tag} ${status} x\r\n`);
    await refused(t, run(session, 'save_draft', ASKED), 'UPSTREAM_REFUSED', status);
    t.notMatch(received(), /Subject/);
    t.match(await run(session, 'count_unread'), { folder: 'INBOX' }, 'the next call has a connection of its own');
  }
});
