/** MAIL-34: SMTP servers that say too much, too soon, or what somebody else put into their mouth. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { certified, startSmtpDouble, type SmtpOptions } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { connectTarget, type Target } from '../src/dial.js';
import { Dialogue } from '../src/smtp/dialogue.js';
import { Replies, SmtpViolation, type Reply } from '../src/smtp/replies.js';
import { submit, type Submission } from '../src/smtp/submit.js';
import { refused } from './context.js';

const MESSAGE: Submission = {
  user: 'ada',
  password: 'correct-horse',
  from: 'ada@example.org',
  recipients: ['bob@example.org'],
  bytes: Buffer.from('Subject: x\r\n\r\n.a\r\n..b\r\n.\r\nend\r\n'),
};
const target = (port: number, security: Target['security'] = 'none'): Target => ({
  security,
  host: 'localhost',
  port,
  tlsPin: '',
});
const quiet = (): AbortSignal => new AbortController().signal;

const started = async (t: Test, options: SmtpOptions) => {
  const double = await startSmtpDouble(options);
  t.teardown(() => double.stop());
  return double;
};

t.test('MAIL-34 dots in the content stay content', async (t) => {
  const double = await started(t, {});
  await submit(target(double.port), MESSAGE, { signal: quiet() });
  t.equal(double.messages[0]?.data, MESSAGE.bytes.toString());
});

t.test('MAIL-34 a second reply, in the same packet or before the next command, ends it before anything is sent', async (t) => {
  for (const verb of ['CONNECT', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA']) {
    const code = { CONNECT: '220', AUTH: '235', DATA: '354' }[verb] ?? '250';
    const double = await started(t, {
      answer: ({ verb: now }, socket) => now === verb && socket.write(`${code} ok\r\n250 AUTH PLAIN\r\n`),
    });
    await refused(t, submit(target(double.port), MESSAGE, { signal: quiet() }), 'UPSTREAM_REFUSED', verb);
    t.same(double.messages, [], verb);
  }
});

t.test('MAIL-34 the acceptance of the content that comes before the content is none', async (t) => {
  const double = await started(t, {
    answer: ({ verb }, socket) => verb === 'DATA' && socket.write('354 go on\r\n250 queued\r\n'),
  });
  await refused(t, submit(target(double.port), MESSAGE, { signal: quiet() }), 'UPSTREAM_REFUSED', 'early');
});

t.test('MAIL-34 STARTTLS: what comes behind the answer in the clear is not read under TLS', async (t) => {
  const own = certified();
  for (const injected of ['250 AUTH PLAIN\r\n', '250-x\r\n', '2', '\r\n']) {
    const double = await started(t, {
      security: 'starttls',
      certified: own,
      answer: ({ verb }, socket) => verb === 'STARTTLS' && socket.write(`220 go on\r\n${injected}`),
    });
    const error = await refused(
      t,
      submit(target(double.port, 'starttls'), MESSAGE, { signal: quiet(), ca: own.cert }),
      'UPSTREAM_REFUSED',
      JSON.stringify(injected),
    );
    t.match(error.data.found, /^(?:tls|other)$/);
    t.notMatch(double.lines.join('\n'), /AUTH/);
  }
  const honest = await started(t, { security: 'starttls', certified: own });
  await submit(target(honest.port, 'starttls'), MESSAGE, { signal: quiet(), ca: own.cert });
  t.equal(honest.messages.length, 1, 'negative control');
});

t.test('MAIL-34 capabilities from before TLS do not count: the server is asked again', async (t) => {
  const own = certified();
  const double = await started(t, { security: 'starttls', certified: own });
  await submit(target(double.port, 'starttls'), MESSAGE, { signal: quiet(), ca: own.cert });
  t.same(double.lines.slice(0, 3), ['EHLO [127.0.0.1]', 'STARTTLS', 'EHLO [127.0.0.1]']);
});

const FLOODS: Readonly<Record<string, string>> = {
  'a line without end': '2'.repeat(100_000),
  'a long line': `250 ${'x'.repeat(5000)}\r\n`,
  'a reply without end': '250-x\r\n'.repeat(200),
  'many replies': '250 x\r\n'.repeat(60_000),
  'several codes in one reply': '250-x\r\n550 y\r\n',
  'a code that is none': '999 x\r\n',
  'a NUL': '250 x\0y\r\n',
  HTTP: 'HTTP/1.1 200 OK\r\n\r\n',
};

t.test('MAIL-34 too much, too long, or no SMTP: the connection is closed and nothing was sent', async (t) => {
  for (const [name, flood] of Object.entries(FLOODS))
    for (const verb of ['CONNECT', 'EHLO', 'RCPT']) {
      const double = await started(t, { answer: ({ verb: now }, socket) => now === verb && socket.write(flood) });
      await refused(t, submit(target(double.port), MESSAGE, { signal: quiet() }), 'UPSTREAM_REFUSED', `${verb}: ${name}`);
      t.same(double.messages, []);
    }
});

const parse = (chunks: readonly Buffer[]): readonly Reply[] | string => {
  const replies = new Replies();
  try {
    return chunks.flatMap((chunk) => replies.feed(chunk));
  } catch (thrown) {
    if (thrown instanceof SmtpViolation) return 'violation';
    throw thrown;
  }
};

t.test('MAIL-34 replies read the same whole, byte by byte and glued', (t) => {
  const lines = fc.array(
    fc.tuple(fc.integer({ min: 200, max: 599 }), fc.array(fc.stringMatching(/^[ -~]{0,40}$/), { minLength: 1, maxLength: 5 })),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(lines, (given) => {
      const text = given
        .map(([code, texts]) => texts.map((one, index) => `${code}${index === texts.length - 1 ? ' ' : '-'}${one}\r\n`).join(''))
        .join('');
      const wanted = JSON.stringify(given.map(([code, texts]) => ({ code, lines: texts })));
      const bytes = Buffer.from(text);
      const single = [...bytes].map((byte) => Buffer.from([byte]));
      return JSON.stringify(parse([bytes])) === wanted && JSON.stringify(parse(single)) === wanted;
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => parse([Buffer.from(bytes)]).length >= 0),
    { numRuns: 2000 },
  );
  t.same(parse([Buffer.from('250\r\n')]), [{ code: 250, lines: [''] }]);
  t.end();
});

t.test('MAIL-34 a question on a connection that said something unasked is not sent', async (t) => {
  let received = '';
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (received += bytes.toString()));
    socket.write('220 hello\r\n250 unasked\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const socket = await connectTarget(target((server.address() as AddressInfo).port), { signal: quiet() });
  const dialogue = new Dialogue(socket, quiet());
  t.match(await dialogue.greeting(), { code: 220 });
  await refused(t, dialogue.ask('EHLO x'), 'UPSTREAM_REFUSED', 'unasked');
  t.equal(received, '');
});
