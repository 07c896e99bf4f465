// Attack: an agent writes into one field of a message what would be another header, another recipient or another command. MAIL-3, MAIL-30, MAIL-31.
import { startSmtpDouble, type SmtpDouble } from '@airlock/testkit';
import t from 'tap';
import { connectTo, pendingOn } from './support/house.js';
import { startMailHouse, type MailHouse } from './support/write-house.js';

const GOOD = { to: ['bob@example.org'], subject: 'Hi', text: 'Hello' };
/** One of each kind, for a role may ask only so often; the many are in packages/connectors/mail/test/compose.test.ts. */
const HOSTILE: readonly object[] = [
  { ...GOOD, subject: 'Hi\r\nBcc: eve@example.org' },
  { ...GOOD, subject: 'Hi\n.\nMAIL FROM:<eve@example.org>' },
  { ...GOOD, subject: 'a\u202eb' },
  { ...GOOD, to: ['bob@example.org>\r\nRCPT TO:<eve@example.org'] },
  { ...GOOD, to: ['bob@example.org\0'] },
  { ...GOOD, cc: ['bob@example.org, eve@example.org'] },
  { ...GOOD, bcc: ['Bob <bob@example.org>'] },
  { ...GOOD, to: ['bob@exаmple.org'] },
  { ...GOOD, in_reply_to: '<a@b.org>\r\nBcc: eve@example.org' },
  { ...GOOD, text: 'Hello\r\n.\r\nMAIL FROM:<eve@example.org>' },
  { ...GOOD, from: 'eve@example.org' },
  { ...GOOD, Bcc: 'eve@example.org' },
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
  const drafts = HOSTILE.slice(0, 2).map((params) => ['save_draft', params] as const);
  for (const [operation, params] of [...HOSTILE.map((one) => ['send_message', one] as const), ...drafts]) {
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
