// Attack: the submission server lies, floods, or dies at the worst moment. Never a wrong claim, never a second try. MAIL-34, MAIL-35, MAIL-36.
import type { Socket } from 'node:net';
import { startSmtpDouble, type SmtpCommand, type SmtpDouble } from '@airlock/testkit';
import t from 'tap';
import { startMailHouse, type MailHouse } from './support/write-house.js';

type Answer = (command: SmtpCommand, socket: Socket) => boolean;

const at =
  (wanted: string, act: (socket: Socket) => unknown): Answer =>
  ({ verb }, socket) => {
    if (verb !== wanted) return false;
    act(socket);
    return true;
  };
const say = (wanted: string, text: string): Answer => at(wanted, (socket) => socket.write(text));
const drop = (wanted: string): Answer => at(wanted, (socket) => socket.destroy());

interface Lie {
  readonly name: string;
  readonly answer: Answer;
  readonly code: string;
  /** Messages the server has afterwards. */
  readonly taken: 0 | 1;
}

const LIES: readonly Lie[] = [
  { name: '250 twice for the sender', answer: say('MAIL', '250 ok\r\n250 ok\r\n'), code: 'UPSTREAM_REFUSED', taken: 0 },
  { name: '250 twice for a recipient', answer: say('RCPT', '250 ok\r\n250 ok\r\n'), code: 'UPSTREAM_REFUSED', taken: 0 },
  { name: 'accepted before it was sent', answer: say('DATA', '354 go\r\n250 queued\r\n'), code: 'UPSTREAM_REFUSED', taken: 0 },
  { name: 'accepted in the place of go on', answer: say('DATA', '250 queued\r\n'), code: 'UPSTREAM_REFUSED', taken: 0 },
  {
    name: 'a recipient refused with a text that lies',
    answer: say('RCPT', '550 250 ok\r\n'),
    code: 'UPSTREAM_REFUSED',
    taken: 0,
  },
  { name: 'dropped after DATA', answer: drop('DATA'), code: 'UPSTREAM_REFUSED', taken: 0 },
  { name: 'taken and dropped', answer: drop('CONTENT'), code: 'OUTCOME_UNKNOWN', taken: 1 },
  { name: 'taken, and answered with nonsense', answer: say('CONTENT', 'HTTP/1.1 200 OK\r\n'), code: 'OUTCOME_UNKNOWN', taken: 1 },
  { name: 'taken, and asked for more', answer: say('CONTENT', '354 more\r\n'), code: 'OUTCOME_UNKNOWN', taken: 1 },
  {
    name: 'taken, and answered without end',
    answer: say('CONTENT', '250-x\r\n'.repeat(100_000)),
    code: 'OUTCOME_UNKNOWN',
    taken: 1,
  },
  { name: 'taken and answered twice', answer: say('CONTENT', '250 queued\r\n250 queued\r\n'), code: 'ok', taken: 1 },
  { name: 'taken, and refused behind it', answer: say('CONTENT', '250 queued\r\n554 no\r\n'), code: 'ok', taken: 1 },
  { name: 'a greeting without end', answer: say('CONNECT', '2'.repeat(1_000_000)), code: 'UPSTREAM_REFUSED', taken: 0 },
  {
    name: 'capabilities without end',
    answer: say('EHLO', '250-AUTH PLAIN\r\n'.repeat(100_000)),
    code: 'UPSTREAM_REFUSED',
    taken: 0,
  },
  { name: 'no login is wanted', answer: say('EHLO', '250 double\r\n'), code: 'UPSTREAM_REFUSED', taken: 0 },
];

let house: MailHouse;
let smtp: SmtpDouble;
let lie: Answer = () => false;
t.before(async () => {
  smtp = await startSmtpDouble({ answer: (command, socket) => lie(command, socket) });
  house = await startMailHouse(smtp.port);
});
t.teardown(async () => {
  await house.stop();
  await smtp.stop();
});

for (const { name, answer, code, taken } of LIES) {
  t.test(name, async (t) => {
    lie = answer;
    const before = { messages: smtp.messages.length, hellos: smtp.lines.filter((line) => line.startsWith('EHLO')).length };
    const ending = await house.write({ to: ['bob@example.org'], subject: name, text: 'Hello' });
    t.equal(ending === 'ok' ? 'ok' : ending.code, code);
    t.equal(smtp.messages.length - before.messages, taken);
    t.ok(smtp.lines.filter((line) => line.startsWith('EHLO')).length - before.hellos <= 1, 'one attempt');
    if (ending === 'ok') return;
    t.notMatch(`${ending.message} ${JSON.stringify(ending.data)}`, /queued|HTTP|correct-horse/, 'nothing the server said');
    if (code === 'OUTCOME_UNKNOWN')
      t.match(ending.data, { retry: 'never', hint: /Message-ID <airlock\.[0-9a-f]{32}@example\.org>/ });
  });
}

t.test('an honest server (negative control)', async (t) => {
  lie = () => false;
  const before = smtp.messages.length;
  t.equal(await house.write({ to: ['bob@example.org'], subject: 'honest', text: 'Hello' }), 'ok');
  t.equal(smtp.messages.length, before + 1);
});
