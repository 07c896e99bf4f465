/** send_message against a double: what leaves, to whom, and what every answer of the server means. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { ConnectorContext, ErrorCode } from '@airlock/protocol';
import { certified, startSmtpDouble, type SmtpDouble, type SmtpOptions } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { Arguments } from '../src/arguments.js';
import { WRITE_PARAMS } from '../src/compose/asked.js';
import { sendMessage } from '../src/smtp/send.js';
import { clockAt, imapContext, refused, type ResultOf } from './context.js';

const ASKED = { to: ['bob@example.org'], subject: 'Café', text: 'Hello\n.dot é' };
const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/mail.md'), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(spec)?.[1] ?? '';

interface Sealed {
  readonly scheme?: string;
  readonly host?: string;
  readonly port: number;
  readonly password?: string;
  readonly tlsPin?: string;
}

const contextFor = ({ scheme = 'smtp-none', host = '127.0.0.1', port, password, tlsPin }: Sealed): ConnectorContext => {
  const context = imapContext({ scheme: 'none', host: '127.0.0.1', port: 1 }, 'imap', password);
  const smtp = { scheme, host, port, ...(tlsPin === undefined ? {} : { tlsPin }) };
  const origins = 'origins' in context.destination ? context.destination.origins : [];
  return {
    ...context,
    settings: { from: 'ada@example.org' },
    destination: { kind: 'imap', origins: [...origins, smtp], user: 'ada' },
    clock: clockAt('2025-03-28T12:00:00Z'),
  };
};

const send = async (sealed: Sealed, params: object = {}, more: { ca?: string; signal?: AbortSignal } = {}): Promise<ResultOf> => {
  const { ca, signal = new AbortController().signal } = more;
  const args = new Arguments({ ...ASKED, ...params }, WRITE_PARAMS);
  return (await sendMessage(contextFor(sealed), args, signal, ca === undefined ? {} : { ca })).result as unknown as ResultOf;
};

const started = async (t: Test, options: SmtpOptions = {}): Promise<SmtpDouble> => {
  const double = await startSmtpDouble(options);
  t.teardown(() => double.stop());
  return double;
};

const untilClosed = async (double: SmtpDouble): Promise<void> => {
  while (double.open() > 0) await new Promise((resolve) => setImmediate(resolve));
};

t.test('the dialogue and the message of the specification', async (t) => {
  const double = await started(t);
  t.match(await send(double), { recipients: 1, sent: true, message_id: /^<airlock\.[0-9a-f]{32}@example\.org>$/ });
  await untilClosed(double);
  t.equal(double.lines.map((line) => `${line}\n`).join(''), block('smtp'));
  t.same(double.messages, [
    { from: 'ada@example.org', to: ['bob@example.org'], data: block('message').replaceAll('\n', '\r\n') },
  ]);
});

t.test('everybody gets it once, and nobody sees the hidden ones', async (t) => {
  const double = await started(t);
  const params = { to: ['bob@example.org', 'cy@example.org'], cc: ['bob@EXAMPLE.org'], bcc: ['eve@example.org'] };
  t.match(await send(double, params), { recipients: 3 });
  t.same(double.messages[0]?.to, ['bob@EXAMPLE.org', 'cy@example.org', 'eve@example.org']);
  t.notMatch(double.messages[0]?.data, /eve@/);
  await refused(t, send(double, { to: [] }), 'PARAMS_INVALID', 'to nobody');
  t.equal(double.messages.length, 1);
});

t.test('MAIL-33 TLS from the start and STARTTLS, verified or pinned; the credential never leaves before', async (t) => {
  const own = certified();
  for (const security of ['tls', 'starttls'] as const) {
    const double = await started(t, { security, certified: own });
    const sealed = { scheme: `smtp-${security}`, host: 'localhost', port: double.port };
    t.match(await send(sealed, {}, { ca: own.cert }), { sent: true }, security);
    const asked = double.lines.length;
    const unknown = await refused(t, send(sealed), 'UPSTREAM_REFUSED', `${security}: an unknown authority`);
    t.equal(unknown.data.found, 'tls');
    await refused(t, send({ ...sealed, tlsPin: '0'.repeat(64) }), 'UPSTREAM_REFUSED', 'another key');
    t.notMatch(double.lines.slice(asked).join('\n'), /AUTH|MAIL/);
    t.equal(double.messages.length, 1);
  }
});

t.test('MAIL-33 a server that offers no STARTTLS, or refuses it, gets no credential', async (t) => {
  const answers: NonNullable<SmtpOptions['answer']>[] = [
    ({ verb }, socket) => verb === 'EHLO' && socket.write('250-double\r\n250 AUTH PLAIN LOGIN\r\n'),
    ({ verb }, socket) => verb === 'STARTTLS' && socket.write('454 not now\r\n'),
  ];
  for (const answer of answers) {
    const double = await started(t, { security: 'starttls', certified: certified(), answer });
    const error = await refused(t, send({ scheme: 'smtp-starttls', port: double.port }), 'UPSTREAM_REFUSED', 'stripped');
    t.equal(error.data.found, 'tls');
    t.notMatch(double.lines.join('\n'), /AUTH/);
  }
});

t.test('MAIL-33 without a sealed SMTP origin, or with settings that name another, nothing is dialled', async (t) => {
  const double = await started(t);
  const context = contextFor(double);
  const args = (): Arguments => new Arguments(ASKED, WRITE_PARAMS);
  const { signal } = new AbortController();
  const without = {
    ...context,
    destination: { ...context.destination, origins: [{ scheme: 'none', host: '127.0.0.1', port: double.port }] },
  };
  await refused(t, sendMessage(without, args(), signal), 'CONFIG_INVALID', 'none is sealed');
  for (const settings of [{ smtpHost: 'localhost' }, { smtpPort: 1 }])
    await refused(
      t,
      sendMessage({ ...context, settings: { ...context.settings, ...settings } }, args(), signal),
      'CONFIG_INVALID',
      'another',
    );
  t.equal(double.lines.length, 0);
});

t.test('logging in: PLAIN, else LOGIN, else not at all; wrong passwords say so', async (t) => {
  const login = await started(t, { auth: ['CRAM-MD5', 'LOGIN'] });
  t.match(await send(login), { sent: true });
  t.match(login.lines, ['EHLO [127.0.0.1]', 'AUTH LOGIN', 'YWRh', Buffer.from('correct-horse').toString('base64'), /^MAIL/]);
  const none = await started(t, { auth: ['XOAUTH2'] });
  await refused(t, send(none), 'UPSTREAM_REFUSED', 'no method that is spoken');
  t.notMatch(none.lines.join('\n'), /AUTH/);
  for (const auth of [['PLAIN'], ['LOGIN']]) {
    const double = await started(t, { auth });
    const error = await refused(t, send({ port: double.port, password: 'wrong' }), 'UPSTREAM_REFUSED', auth[0] ?? '');
    t.equal(error.data.found, 'bad_credentials');
    t.notMatch(double.lines.join('\n'), /MAIL/);
  }
});

t.test('MAIL-35 one recipient that is refused, and nothing is sent', async (t) => {
  const double = await started(t);
  const error = await refused(t, send(double, { cc: ['nobody@example.org'] }), 'UPSTREAM_REFUSED', 'nobody');
  t.match(error.message, /the recipient nobody@example\.org \(550\); nothing was sent/);
  t.notMatch(error.message, /no such user/);
  t.same(double.messages, []);
  t.notMatch(double.lines.join('\n'), /DATA/);
});

t.test('a message larger than is announced is not offered', async (t) => {
  const small = await started(t, { size: 100 });
  await refused(t, send(small), 'UPSTREAM_REFUSED', 'too large');
  t.notMatch(small.lines.join('\n'), /MAIL/);
  const large = await started(t, { size: 100_000 });
  await send(large);
  t.match(large.lines.join('\n'), /MAIL FROM:<ada@example\.org> SIZE=[0-9]{3}\n/);
});

const at =
  (wanted: string, answer: (socket: Socket) => unknown): NonNullable<SmtpOptions['answer']> =>
  ({ verb }, socket) => {
    if (verb !== wanted) return false;
    answer(socket);
    return true;
  };
const say = (text: string) => (socket: Socket) => socket.write(`${text}\r\n`);

t.test('MAIL-36 before the content: every refusal and every end means that nothing was sent', async (t) => {
  for (const verb of ['CONNECT', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA'])
    for (const answer of [
      say('421 busy'),
      say('554 no'),
      say('299 what'),
      say('no SMTP'),
      (socket: Socket) => socket.destroy(),
    ]) {
      if (['MAIL', 'RCPT'].includes(verb) && answer.length === 1 && String(answer).includes('299')) continue;
      const double = await started(t, { answer: at(verb, answer) });
      const error = await send(double).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      const isTaken = double.messages.length > 0;
      if (error === null) t.ok(isTaken, `${verb}: 2xx for the envelope is a yes`);
      else {
        t.match(error, { code: 'UPSTREAM_REFUSED' }, verb);
        t.notOk(isTaken, verb);
      }
    }
});

t.test('MAIL-36 after the content: 2xx was sent, 4xx and 5xx was not, and everything else nobody knows', async (t) => {
  const endings: readonly (readonly [(socket: Socket) => unknown, ErrorCode | null])[] = [
    [say('250 queued'), null],
    [say('250-queued\r\n250 as 7'), null],
    [say('250 queued\r\n250 again'), null],
    [(socket) => socket.end('250 queued\r\n'), null],
    [say('451 later'), 'UPSTREAM_REFUSED'],
    [say('554 spam'), 'UPSTREAM_REFUSED'],
    [say('354 more'), 'OUTCOME_UNKNOWN'],
    [say('no SMTP'), 'OUTCOME_UNKNOWN'],
    [say('250-queued\r\n550 or not'), 'OUTCOME_UNKNOWN'],
    [(socket) => socket.destroy(), 'OUTCOME_UNKNOWN'],
    [(socket) => socket.end('25'), 'OUTCOME_UNKNOWN'],
    [(socket) => socket.write(Buffer.alloc(300_000, 0x61)), 'OUTCOME_UNKNOWN'],
  ];
  for (const [index, [answer, code]] of endings.entries()) {
    const double = await started(t, { answer: at('CONTENT', answer) });
    if (code === null) t.match(await send(double), { sent: true }, String(index));
    else {
      const error = await refused(t, send(double), code, String(index));
      if (code === 'OUTCOME_UNKNOWN')
        t.match(error.data, { retry: 'never', hint: /Message-ID <airlock\.[0-9a-f]{32}@example\.org>/ });
      else t.match(error.message, /nothing was sent/);
    }
    t.equal(double.messages.length, 1, 'offered once');
  }
});

t.test('MAIL-36 a call that ends while the server is silent: unknown after the content, not before', async (t) => {
  for (const [verb, code] of [
    ['DATA', 'UPSTREAM_TIMEOUT'],
    ['CONTENT', 'OUTCOME_UNKNOWN'],
  ] as const) {
    const aborting = new AbortController();
    const double = await started(t, { answer: at(verb, () => aborting.abort()) });
    await refused(t, send(double, {}, { signal: aborting.signal }), code, verb);
    await untilClosed(double);
  }
});
