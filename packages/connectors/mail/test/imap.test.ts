import type { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { connector } from '../src/index.js';
import { openImapSession } from '../src/imap/session.js';
import { imapContext, loopback, refused, run } from './context.js';
import { GMAIL_CAPABILITIES, startImapDouble, type DoubleMessage, type DoubleOptions, type ImapDouble } from '@airlock/testkit';
import type { Test } from 'tap';

const message = (uid: number): DoubleMessage => ({
  uid,
  headers: `From: Bob <bob@example.org>\r\nTo: ada@example.org\r\nSubject: Hello ${uid}\r\nDate: Wed, 01 Jan 2025 00:00:00 +0000`,
  sections: { '1': `body of ${uid}` },
  seen: uid % 2 === 0,
});

const messages = (count: number): DoubleMessage[] => Array.from({ length: count }, (_unused, index) => message((index + 1) * 3));

const withDouble = async (t: Test, options: DoubleOptions = {}): Promise<ImapDouble> => {
  const double = await startImapDouble(options);
  t.teardown(() => double.stop());
  return double;
};

t.test('pages go on from where they were when new mail arrives', async (t) => {
  for (const capabilities of ['IMAP4rev1 ESEARCH', 'IMAP4rev1']) {
    const mailbox = messages(7);
    const double = await withDouble(t, { messages: mailbox, capabilities });
    const session = await openImapSession(imapContext(loopback(double.port)));
    const first = await run(session, 'list_messages', { limit: 3 });
    t.same(
      first.messages.map(({ subject }) => subject),
      ['Hello 21', 'Hello 18', 'Hello 15'],
      'newest first',
    );
    mailbox.push(message(40), message(41));
    const second = await run(session, 'list_messages', { limit: 3, cursor: first.next_cursor });
    t.same(
      second.messages.map(({ subject }) => subject),
      ['Hello 12', 'Hello 9', 'Hello 6'],
      'nothing twice, nothing left out',
    );
    const third = await run(session, 'list_messages', { limit: 3, cursor: second.next_cursor });
    t.same(
      third.messages.map(({ subject }) => subject),
      ['Hello 3'],
    );
    t.equal(third.next_cursor, null);
    await session.close();
  }
});

t.test('a list is one FETCH without any body', async (t) => {
  const double = await withDouble(t, { messages: messages(60) });
  const session = await openImapSession(imapContext(loopback(double.port)));
  double.lines.length = 0;
  const page = await run(session, 'list_messages', { limit: 50 });
  t.equal(page.messages.length, 50);
  t.equal(double.lines.filter((line) => line.includes('FETCH')).length, 1);
  t.notMatch(double.lines.join('\n'), /BODY\.PEEK\[(?!HEADER\.FIELDS)/);
  await session.close();
});

t.test('a cursor fits its folder, uidvalidity and question only', async (t) => {
  let uidvalidity = 7;
  const double = await withDouble(t, {
    messages: messages(5),
    get uidvalidity() {
      return uidvalidity;
    },
  });
  const session = await openImapSession(imapContext(loopback(double.port)));
  const { next_cursor: cursor } = await run(session, 'list_messages', { limit: 1 });
  for (const [name, params] of [
    ['another folder', { folder: 'Sent', cursor }],
    ['no cursor at all', { cursor: 'bm9uc2Vuc2U' }],
    ['padding', { cursor: `${String(cursor)}=` }],
  ] as const) {
    const error = await refused(t, run(session, 'list_messages', params), 'PARAMS_INVALID', name);
    t.equal(error.data.field, 'params.cursor', name);
  }
  await refused(t, run(session, 'search', { from: 'bob', cursor }), 'PARAMS_INVALID', 'another question');
  const {
    messages: [first],
  } = await run(session, 'list_messages', { limit: 1 });
  uidvalidity = 8;
  await refused(t, run(session, 'list_messages', { cursor }), 'PARAMS_INVALID', 'another uidvalidity');
  await refused(t, run(session, 'get_message', { id: String(first?.id) }), 'NOT_FOUND', 'an id of the old uidvalidity');
  await session.close();
});

t.test('Gmail: its own query language, and attachments by it', async (t) => {
  const double = await withDouble(t, { capabilities: GMAIL_CAPABILITIES, messages: messages(4) });
  const session = await openImapSession(imapContext(loopback(double.port), 'gmail'));
  const page = await run(session, 'search', { query: 'from:bob "exact words"', has_attachment: true, limit: 2 });
  t.equal(page.messages.length, 2, 'answers with X-GM-LABELS are understood');
  t.match(
    double.lines.find((line) => line.includes('SEARCH')),
    /^A\d+ UID SEARCH X-GM-RAW "from:bob \\"exact words\\" has:attachment"$/,
  );
  await run(session, 'search', { query: 'größer' });
  t.match(double.lines.at(-2), /CHARSET UTF-8 X-GM-RAW \{8\}größer$/, 'as a literal');
  t.notMatch(double.lines.join('\n'), /CONDSTORE|MODSEQ|XLIST/);
  await session.close();
  const plain = await openImapSession(imapContext(loopback(double.port)));
  const error = await refused(t, run(plain, 'search', { query: 'x' }), 'PARAMS_INVALID', 'query belongs to gmail');
  t.equal(error.data.field, 'params.query');
  await plain.close();
});

const INJECTIONS = [
  'x\r\nA99 CREATE "pwned',
  'x"\r\nA99 CREATE "pwned"\r\n',
  'x\nA99 DELETE "INBOX',
  'x\rA99 NOOP',
  'x\0y',
  'ü\r\nA99 CREATE "pwned"\r\n',
];

t.test('MAIL-3 CR, LF and NUL are refused in every text argument, by name', async (t) => {
  const double = await withDouble(t, { messages: messages(1) });
  const session = await openImapSession(imapContext(loopback(double.port)));
  double.lines.length = 0;
  const fields: readonly (readonly [string, string])[] = [
    ...['folder', 'from', 'to', 'subject', 'text', 'since', 'before', 'cursor'].map((field) => ['search', field] as const),
    ['list_messages', 'folder'],
    ['count_unread', 'folder'],
    ['get_message', 'id'],
    ['get_attachment', 'part'],
  ];
  for (const [operation, field] of fields) {
    for (const text of INJECTIONS) {
      const params = operation === 'get_attachment' ? { id: 'x', [field]: text.slice(0, 60) } : { [field]: text };
      const error = await refused(t, run(session, operation, params), 'PARAMS_INVALID', `${operation} ${field}`);
      t.equal(error.data.field, `params.${field}`);
    }
  }
  t.same(double.lines, [], 'nothing was sent');
  await session.close();
});

t.test('MAIL-1 without that check the wire guard alone stops the injection', async (t) => {
  for (const text of INJECTIONS) {
    for (const field of ['from', 'folder']) {
      const double = await withDouble(t, { messages: messages(1) });
      const session = await openImapSession(imapContext(loopback(double.port)), { checkArguments: false });
      const outcome = await run(session, 'search', { [field]: text }).then(
        () => 'done',
        (thrown: unknown) => (thrown as AirlockError).code,
      );
      t.match(outcome, /INTERNAL|UPSTREAM_REFUSED|done|NOT_FOUND/);
      t.notMatch(double.lines.join('\n'), /^A99/m, 'the injected command never left');
      if (field === 'from') t.equal(outcome, 'INTERNAL', 'the guard closed the connection');
      await session.close();
    }
  }
});

t.test('an id names its folder; a forged one cannot inject', async (t) => {
  const double = await withDouble(t, { messages: messages(1) });
  const session = await openImapSession(imapContext(loopback(double.port)));
  const forged = Buffer.from(JSON.stringify(['x"\r\nA99 CREATE "y', 7, 3])).toString('base64url');
  await refused(t, run(session, 'get_message', { id: forged }), 'PARAMS_INVALID', 'line break inside an id');
  t.same(
    double.lines.filter((line) => line.includes('EXAMINE')),
    [],
    'nothing was asked',
  );
  await session.close();
});

t.test('parameters are strict', async (t) => {
  const double = await withDouble(t, { messages: messages(1) });
  const session = await openImapSession(imapContext(loopback(double.port)));
  const wrong: readonly (readonly [string, Record<string, never>, string])[] = [
    ['list_messages', { limit: '5' }, 'limit'],
    ['list_messages', { limit: 0 }, 'limit'],
    ['list_messages', { limit: 101 }, 'limit'],
    ['list_messages', { ghost: 1 }, 'ghost'],
    ['search', { unread: 'yes' }, 'unread'],
    ['search', { since: '2025-02-30' }, 'since'],
    ['search', { since: 'yesterday' }, 'since'],
    ['list_messages', { folder: '' }, 'folder'],
    ['get_message', {}, 'id'],
    ['list_folders', { folder: 'x' }, 'folder'],
    ['search', { from: '\ud800' }, 'from'],
  ] as never;
  for (const [operation, params, field] of wrong) {
    const error = await refused(t, run(session, operation, params), 'PARAMS_INVALID', `${operation} ${field}`);
    t.equal(error.data.field, `params.${field}`);
  }
  await refused(t, run(session, 'delete_message', {}), 'OPERATION_UNKNOWN', 'no such operation');
  await session.close();
});

t.test('ERR-3: test() tells the causes apart and repeats no text of the server', async (t) => {
  const saying = (said: string): DoubleOptions => ({
    answer: ({ tag, verb }, socket) => verb === 'LOGIN' && socket.write(`${tag} ${said}\r\n`),
  });
  for (const [said, found] of [
    ['NO [AUTHENTICATIONFAILED] visit http://evil.example now', 'bad_credentials'],
    ['NO [ALERT] Your account is not enabled for IMAP use. http://evil.example', 'imap_disabled'],
    ['NO http://evil.example', 'other'],
  ] as const) {
    const double = await withDouble(t, saying(said));
    const error = await refused(
      t,
      connector.test(imapContext(loopback(double.port), 'imap', 'hunter2-secret')),
      'UPSTREAM_REFUSED',
      found,
    );
    t.equal(error.data.found, found);
    t.notMatch(JSON.stringify([error.message, error.data, error.stack]), /evil|hunter2/);
  }
  const gone = await startImapDouble();
  await gone.stop();
  const error = await refused(t, connector.test(imapContext(loopback(gone.port))), 'UNAVAILABLE', 'nobody listens');
  t.equal(error.data.found, 'no_network');
  const plain = await withDouble(t);
  const tls = await refused(
    t,
    connector.test(imapContext({ scheme: 'tls', host: '127.0.0.1', port: plain.port })),
    'UPSTREAM_REFUSED',
    'no TLS there',
  );
  t.equal(tls.data.found, 'tls');
  await connector.test(imapContext(loopback(plain.port)));
  t.pass('an honest server passes');
});

t.test('MAIL-11 settings cannot name another server than the sealed one', async (t) => {
  const double = await withDouble(t);
  const context = { ...imapContext(loopback(double.port)), settings: { host: 'evil.example', port: double.port } };
  await refused(t, openImapSession(context), 'CONFIG_INVALID', 'host differs');
  await refused(t, openImapSession({ ...context, settings: { host: '127.0.0.1', port: 1 } }), 'CONFIG_INVALID', 'port differs');
  t.same(double.lines, []);
});

t.test('MAIL-14 a STARTTLS answer with more behind it is refused', async (t) => {
  const double = await withDouble(t, { answer: ({ tag }, socket) => socket.write(`${tag} OK\r\n* OK injected\r\n`) });
  const error = await refused(
    t,
    connector.test(imapContext({ scheme: 'starttls', host: '127.0.0.1', port: double.port })),
    'UPSTREAM_REFUSED',
    'injected',
  );
  t.equal(error.data.found, 'tls');
  t.same(double.lines, ['A0 STARTTLS'], 'no credential was sent');
});

t.test('a dropped connection is opened again; a closed session stays closed', async (t) => {
  let drop = true;
  const double = await withDouble(t, {
    messages: messages(2),
    answer: ({ verb }, socket) => {
      if (verb !== 'EXAMINE' || !drop) return false;
      drop = false;
      socket.destroy();
      return true;
    },
  });
  const session = await openImapSession(imapContext(loopback(double.port)));
  await refused(t, run(session, 'list_messages'), 'UPSTREAM_REFUSED', 'dropped');
  const page = await run(session, 'list_messages');
  t.equal(page.total, 2);
  await session.close();
  await refused(t, run(session, 'list_messages'), 'UNAVAILABLE', 'closed');
});
