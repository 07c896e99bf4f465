/** Servers that attack their client: each attempt ends in a code, with memory bounded, and the next call goes on. */
import { AirlockError } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { parseMessage } from '../src/mime/parse.js';
import { parseStructure } from '../src/mime/structure.js';
import { imapContext, loopback, refused, run } from './context.js';
import { startImapDouble, type DoubleOptions } from '@airlock/testkit';
import type { Socket } from 'node:net';

const MESSAGE = { uid: 3, headers: 'From: a@b\r\nSubject: x', sections: { '1': 'hello' } };
/** The limits add up to 64 MiB an answer; a client without them needs gigabytes here. */
const MAX_GROWTH_BYTES = 160 * 1024 * 1024;

const flood = (socket: Socket, chunk: Buffer): true => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
    socket.once('drain', more);
  };
  more();
  return true;
};

/** A double that is hostile to the first FETCH or EXAMINE and honest afterwards. */
const attack = async (
  t: Test,
  name: string,
  on: string,
  hostile: (tag: string, socket: Socket) => unknown,
  code = 'UPSTREAM_REFUSED',
  options: DoubleOptions = {},
): Promise<void> => {
  let first = true;
  const double = await startImapDouble({
    messages: [MESSAGE],
    ...options,
    answer: ({ tag, verb }, socket) => {
      if (verb !== on || !first) return false;
      first = false;
      hostile(tag, socket);
      return true;
    },
  });
  t.teardown(() => double.stop());
  const before = process.memoryUsage.rss();
  const session = await openImapSession(imapContext(loopback(double.port)));
  await refused(t, run(session, 'list_messages'), code as 'UPSTREAM_REFUSED', name);
  t.ok(process.memoryUsage.rss() - before < MAX_GROWTH_BYTES, `${name}: memory stays bounded`);
  const page = await run(session, 'list_messages');
  t.equal(page.total, 1, `${name}: the next call goes on`);
  await session.close();
};

t.test('an endless line', (t) =>
  attack(t, 'endless', 'FETCH', (_tag, socket) => {
    socket.write('* 1 FETCH (');
    return flood(socket, Buffer.alloc(65_536, 0x78));
  }),
);
t.test('an endless greeting', async (t) => {
  const double = await startImapDouble({ greeting: Buffer.alloc(1024 * 1024, 0x78) });
  t.teardown(() => double.stop());
  await refused(t, openImapSession(imapContext(loopback(double.port))), 'UPSTREAM_REFUSED', 'greeting');
});
t.test('an endless row of answers', (t) =>
  attack(t, 'endless answers', 'FETCH', (_tag, socket) =>
    flood(
      socket,
      Buffer.concat([Buffer.from('* 1 FETCH (BODY[9] {1000000}\r\n'), Buffer.alloc(1_000_000), Buffer.from(')\r\n')]),
    ),
  ),
);
t.test('a literal of 2 GB', (t) =>
  attack(t, '2 GB', 'FETCH', (_tag, socket) => socket.write('* 1 FETCH (BODY[1] {2147483647}\r\n')),
);
t.test('a literal of more digits than a number has', (t) =>
  attack(t, 'digits', 'FETCH', (_tag, socket) => socket.write(`* 1 FETCH (BODY[1] {${'9'.repeat(400)}}\r\n`)),
);
t.test('200,000 nested parentheses', (t) =>
  attack(t, 'nested', 'FETCH', (_tag, socket) =>
    socket.write(`* 1 FETCH (BODYSTRUCTURE ${'('.repeat(200_000)}` + ')'.repeat(200_000) + ')\r\n'),
  ),
);
t.test('a literal shorter than it says', (t) =>
  attack(t, 'short', 'FETCH', (tag, socket) => socket.end(`* 1 FETCH (UID 3 BODY[HEADER] {500}\r\nabc)\r\n${tag} OK\r\n`)),
);
t.test('a literal longer than it says', (t) =>
  attack(t, 'long', 'FETCH', (tag, socket) => socket.write(`* 1 FETCH (UID 3 BODY[HEADER] {1}\r\na"b)\r\n${tag} OK\r\n`)),
);
t.test('bytes that are no IMAP', (t) =>
  attack(t, 'noise', 'EXAMINE', (_tag, socket) =>
    socket.write(Buffer.from(Array.from({ length: 4096 }, (_unused, index) => (index * 131) % 256))),
  ),
);
t.test('logged in before login', async (t) => {
  const double = await startImapDouble({ greeting: '* PREAUTH welcome\r\n' });
  t.teardown(() => double.stop());
  await refused(t, openImapSession(imapContext(loopback(double.port))), 'UPSTREAM_REFUSED', 'PREAUTH');
  t.same(double.lines, []);
});

t.test('MAIL-10 structures on which node-imap throws', async (t) => {
  for (const structure of [
    'NIL',
    '()',
    '(NIL)',
    '((NIL) NIL)',
    '(1 2 3)',
    '("TEXT" NIL)',
    '("A" "B" (NIL NIL) NIL)',
    '(() ())',
  ]) {
    const double = await startImapDouble({ messages: [{ ...MESSAGE, structure }] });
    t.teardown(() => double.stop());
    const session = await openImapSession(imapContext(loopback(double.port)));
    const outcome = await run(session, 'list_messages').then(
      () => 'listed',
      (thrown: unknown) => (thrown instanceof AirlockError ? thrown.code : String(thrown)),
    );
    t.match(outcome, /^(?:listed|UPSTREAM_REFUSED)$/, structure);
    await session.close();
  }
});

t.test('a slow drip ends at the deadline of the call', async (t) => {
  const deadline = new AbortController();
  const double = await startImapDouble({
    messages: [MESSAGE],
    answer: ({ verb }, socket) => {
      if (verb !== 'FETCH') return false;
      socket.write('* 1 FET');
      setImmediate(() => deadline.abort());
      return true;
    },
  });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  await refused(t, run(session, 'list_messages', {}, deadline.signal), 'UPSTREAM_TIMEOUT', 'drip');
  await refused(
    t,
    run(session, 'list_messages', {}, AbortSignal.abort(new AirlockError('LEASE_EXPIRED', 'the lease ended'))),
    'LEASE_EXPIRED',
    'the reason of the signal is kept',
  );
  await session.close();
});

t.test('a server that never greets ends at the deadline of the login', async (t) => {
  const double = await startImapDouble({ greeting: '' });
  t.teardown(() => double.stop());
  const login = new AbortController();
  setImmediate(() => login.abort());
  await refused(
    t,
    openImapSession(imapContext(loopback(double.port)), { loginSignal: () => login.signal }),
    'UPSTREAM_TIMEOUT',
    'silent',
  );
});

t.test('folder names that write to Object.prototype', async (t) => {
  const list = ['__proto__', '__proto__/polluted', 'constructor/prototype/x', '&AF8-_proto__/y']
    .map((name) => `* LIST () "/" "${name}"\r\n`)
    .join('');
  const double = await startImapDouble({
    answer: ({ tag, verb, line }, socket) => verb === 'LIST' && line.includes('*') && socket.write(`${list}${tag} OK\r\n`),
  });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  await run(session, 'list_folders');
  t.same(Object.keys(Object.prototype), []);
  t.equal(({} as { children?: unknown }).children, undefined);
  await session.close();
});

t.test('a subject made for quadratic decoders is listed at once', async (t) => {
  const subject = '=?utf-8?q?'.repeat(1500) + '=?*'.repeat(5000) + 'BODY['.repeat(1000);
  const structure = `("TEXT" "PLAIN" ("NAME" "${'=?*'.repeat(20_000)}${'BODY['.repeat(10_000)}") NIL NIL "7BIT" 1 1)`;
  const double = await startImapDouble({ messages: [{ uid: 1, headers: `Subject: ${subject}`, structure }] });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  const cpu = process.cpuUsage();
  await run(session, 'list_messages');
  t.ok(process.cpuUsage(cpu).user < 2_000_000, 'below two seconds of processor time');
  await session.close();
});

t.test('deep and wide MIME is cut, not followed', async (t) => {
  const deep = Array.from(
    { length: 5000 },
    (_unused, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  ).join('');
  let depth = 0;
  for (
    let part: ReturnType<typeof parseMessage>['root'] | undefined = parseMessage(Buffer.from(deep)).root;
    part;
    part = part.children[0]
  )
    depth += 1;
  t.ok(depth > 10 && depth <= 52, `${depth} levels`);
  const wide = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(50_000)}`;
  t.ok(parseMessage(Buffer.from(wide)).root.children.length <= 1000, 'at most 1,000 parts');
  let struct: unknown = [{ partID: '1', type: 'text', subtype: 'plain' }];
  for (let level = 0; level < 10_000; level += 1) struct = [{ type: 'mixed' }, struct];
  t.equal(parseStructure(struct).type, 'multipart/mixed');
});
