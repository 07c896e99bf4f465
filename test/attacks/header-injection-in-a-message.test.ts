// Attack: an agent writes into one field of a message what would be another header, another recipient or another command. MAIL-3, MAIL-30, MAIL-31.
import { startSmtpDouble, type SmtpDouble } from '@airlock/testkit';
import t from 'tap';
import { connectTo, pendingOn } from './support/house.js';
import { startMailHouse, type MailHouse } from './support/mail-house.js';

const GOOD = { to: ['bob@example.org'], subject: 'Hi', text: 'Hello' };
const BREAKS = ['\r\n', '\n', '\r', '\0', '\u0085', '\u2028'];
const EVIL = ['Bcc: eve@example.org', 'RCPT TO:<eve@example.org>', '.', 'A9 APPEND "INBOX" {3}'];

const HOSTILE: readonly object[] = [
  ...BREAKS.slice(0, 5).flatMap((end) => EVIL.map((evil) => ({ ...GOOD, subject: `Hi${end}${evil}` }))),
  ...BREAKS.flatMap((end) => EVIL.map((evil) => ({ ...GOOD, to: [`bob@example.org${end}${evil}`] }))),
  ...BREAKS.flatMap((end) => EVIL.map((evil) => ({ ...GOOD, cc: [`bob@example.org>${end}${evil}`] }))),
  ...BREAKS.flatMap((end) => EVIL.map((evil) => ({ ...GOOD, in_reply_to: `<a@b.org>${end}${evil}` }))),
  ...['\r\n', '\r', '\0'].map((end) => ({ ...GOOD, text: `Hello${end}.${end}MAIL FROM:<eve@example.org>` })),
  ...[
    'Bob <bob@example.org>',
    '"bob"@example.org',
    'bob@example.org, eve@example.org',
    'bob@exаmple.org',
    '<bob@example.org>',
  ].map((address) => ({ ...GOOD, bcc: [address] })),
  ...['from', 'headers', 'reply_to', 'message_id', 'attachments', 'Bcc'].map((ghost) => ({
    ...GOOD,
    [ghost]: 'eve@example.org',
  })),
  ...['a\u202eb', 'a\u2066b', 'a\u200bb', 'a\ufeffb'].map((subject) => ({ ...GOOD, subject })),
];

let house: MailHouse;
let smtp: SmtpDouble;
t.before(async () => {
  smtp = await startSmtpDouble();
  house = await startMailHouse(smtp.port);
});
t.teardown(async () => {
  await house.stop();
  await smtp.stop();
});

t.test('each is refused before anybody is asked, and neither server hears of it', async (t) => {
  const before = house.imap.lines.length;
  for (const operation of ['send_message', 'save_draft'])
    for (const params of HOSTILE) {
      const { code, data } = await house.ask(params, operation);
      t.equal(code, 'PARAMS_INVALID', JSON.stringify(params));
      t.match(data.field, /^params\./);
    }
  const link = await connectTo(house.running, 'approve/default');
  t.equal((await pendingOn(link)).front, null, 'nobody was asked');
  link.close();
  t.same(smtp.lines, []);
  t.notMatch(house.imap.lines.slice(before).join('\n'), /APPEND/);
});

t.test('what looks like a command or a header in the text stays text, in one message to one recipient', async (t) => {
  const text = 'Hello\n.\nMAIL FROM:<eve@example.org>\nRCPT TO:<eve@example.org>\n\nBcc: eve@example.org\nA9 APPEND "INBOX" {3}';
  t.equal(await house.write({ ...GOOD, text, subject: 'Bcc: eve@example.org' }), 'ok');
  t.match(smtp.messages, [{ from: 'ada@example.org', to: ['bob@example.org'] }]);
  t.equal(smtp.messages.length, 1);
  t.notMatch(smtp.messages[0]?.data.split('\r\n\r\n')[0], /\nBcc:/i);
  t.equal(smtp.lines.filter((line) => /^(?:MAIL|RCPT)/.test(line)).length, 2);
  t.equal(await house.write({ ...GOOD, text }, 'save_draft'), 'ok');
  const appends = house.imap.lines.filter((line) => / APPEND /.test(line));
  t.equal(appends.length, 1);
  t.match(appends[0], /^A[0-9]+ APPEND "Drafts" \(\\Draft \\Seen\) \{/);
});
