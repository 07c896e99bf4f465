/** The main job through the installed commands: enrol, add a mailbox, ask, approve, read, be refused, release. */
import t from 'tap';
import type * as Fixture from '../../packages/connectors/mail/test/mail-fixture.js';
import { approve, call, denyFront, front, obtain } from './approval.js';
import { airlock, ctl, errorCode, fact, leaveFact, must, OPERATOR, OTHER_AGENT, run } from './machine.js';
import { commandsOnTheWire, mailboxDigest, mailFacts, password, startMail } from './mailbox.js';
import { codeOfStep, nextCode, PERIOD_S } from './phone.js';
import { scanQr } from './qr-image.js';

interface Message {
  readonly id: string;
  readonly subject: string;
  readonly unread: boolean;
  readonly attachments: readonly { readonly part: string; readonly size: number }[];
}
interface Page {
  readonly messages: readonly Message[];
  readonly total: number;
  readonly next_cursor: string | null;
}

const FIXTURE = new URL('../../../packages/connectors/mail/dist/test/mail-fixture.js', import.meta.url);
const { attachmentBytes, ODD_CHARSETS } = (await import(FIXTURE.href)) as typeof Fixture;

/** Result of a call that has to succeed. */
const read = async <T>(operation: string, params: object = {}): Promise<T> => {
  const { status, value } = await call(operation, params);
  if (status !== 0) throw new Error(`${operation}: ${JSON.stringify(value)}`);
  return value['result'] as T;
};

t.test('before enrolment nothing can be approved', async (t) => {
  const answer = await ctl(['pending']);
  t.equal(errorCode(answer), 'NOT_ENROLLED');
  t.equal(answer.status, 6);
  t.equal((await ctl(['totp', 'setup'])).status, 5, 'enrolment needs root');
});

t.test('the phone is enrolled by the QR on the terminal', async (t) => {
  const shown = await run(['airlock-ctl', 'totp', 'setup']);
  t.equal(shown.status, 0, shown.stderr);
  const uri = new URL(await scanQr(shown.stdout));
  t.equal(uri.protocol, 'otpauth:', 'zbarimg reads an otpauth URI');
  t.equal(uri.searchParams.get('period'), String(PERIOD_S), 'with the period of airlock.yaml');
  const secret = uri.searchParams.get('secret') ?? '';
  t.ok(shown.stdout.replaceAll(' ', '').includes(secret), 'the typed form is the same secret');
  t.equal(shown.stdout.match(/^ +\d+ +[A-Z2-7]{4}(-[A-Z2-7]{4})+$/gm)?.length, 10, 'ten recovery codes');
  leaveFact('secret', secret);
  const step = Math.floor(Date.now() / 1000 / PERIOD_S);
  const [first, second] = [await codeOfStep(step), await codeOfStep(step + 1)];
  const once = await ctl(['totp', 'verify', '--code-stdin'], { user: 'root', input: `${first}\n` });
  t.not(once.status, 0, 'one code does not enrol');
  t.equal(errorCode(await ctl(['pending'])), 'NOT_ENROLLED', 'nothing counts yet');
  const verified = await ctl(['totp', 'verify', '--code-stdin'], { user: 'root', input: `${second}\n` });
  t.equal(verified.status, 0, verified.stderr || 'two consecutive codes enrol');
  leaveFact('lastStep', String(step + 1));
});

const addMail = async (secret: string): Promise<Awaited<ReturnType<typeof ctl>>> => {
  const { port, pin } = mailFacts();
  const settings = ['host=127.0.0.1', `port=${port}`, 'user=ada', `tlsPin=${pin}`].flatMap((pair) => ['--set', pair]);
  return ctl(['service', 'add', 'imap', '--name', 'mail', ...settings, '--stdin'], {
    input: `${secret}\n${await nextCode()}\n`,
    timeoutMs: 90_000,
  });
};

t.test('a mailbox is added, tried in a cell before it is stored', async (t) => {
  await startMail();
  leaveFact('mailbox', mailboxDigest());
  const wrong = await addMail('not-the-password');
  t.not(wrong.status, 0, 'a wrong password is refused by the trial');
  t.strictSame((await ctl(['service', 'list'])).value, [], 'and nothing is stored');
  const added = await addMail(password());
  t.equal(added.status, 0, added.stderr || 'the right one is stored');
  t.notMatch(JSON.stringify(added.value) + added.stderr, new RegExp(password()), 'the password is shown nowhere');
  t.equal(((await ctl(['credentials', 'list'])).value as unknown as { service: string }[])[0]?.service, 'mail');
});

t.test('an agent without approval gets nothing', async (t) => {
  const answer = await call('list_messages');
  t.equal(answer.status, 4, JSON.stringify(answer.value));
  t.equal((await airlock(['services'])).status, 0, 'but sees what it may ask for');
  const denied = airlock(['request', 'mail:read', '--reason', 'to be denied', '--wait']);
  t.equal((await denyFront('not now')).status, 0);
  t.equal(errorCode(await denied), 'APPROVAL_DENIED');
  t.equal((await denied).status, 4);
});

t.test('wrong and reused codes approve nothing', async (t) => {
  const limited = await airlock(['request', 'mail:read', '--reason', 'right after a denial']);
  t.equal(errorCode(limited), 'RATE_LIMITED', 'a denied role has to wait');
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const asked = await airlock(['request', 'mail:read', '--reason', 'the system test', '--ttl', '30']);
  t.equal(asked.value['status'], 'pending', JSON.stringify(asked.value));
  t.match((await front()) ?? {}, { role: 'default', match: asked.value['match'] }, 'operator and agent see one match number');
  const used = await codeOfStep(Number(fact('lastStep')) - 2);
  t.equal(errorCode(await approve(used)), 'CODE_REJECTED', 'an old code');
  const code = await nextCode();
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
  t.equal(errorCode(await approve(wrong)), 'CODE_REJECTED', 'a wrong code');
  const approved = await approve(code);
  t.equal(approved.status, 0, approved.stderr || 'the right code');
  t.notMatch(JSON.stringify(approved.value), /al1\./, 'the operator never sees the lease text');
  const waited = await airlock(['wait', String(asked.value['request'])]);
  t.equal(waited.status, 0, JSON.stringify(waited.value));
  t.match(waited.value['lease'], /^al1\./, 'the agent gets the lease');
  leaveFact('lease', String(waited.value['lease']));
  const other = airlock(['request', 'mail:read', '--reason', 'a second one'], { user: OTHER_AGENT });
  t.equal((await other).value['status'], 'pending', JSON.stringify((await other).value));
  t.equal(errorCode(await approve(code)), 'CODE_REJECTED', 'the code that was just used');
  t.equal((await denyFront()).status, 0);
});

t.test('folders, lists, search, counts', async (t) => {
  const { folders } = await read<{ folders: { name: string }[] }>('list_folders');
  for (const name of ['INBOX', 'Sent', 'Work'])
    t.ok(
      folders.some((folder) => folder.name === name),
      name,
    );
  t.ok(
    folders.some((folder) => /^R.sum.s?$/.test(folder.name)),
    `a folder with accents: ${folders.map(({ name }) => name).join(', ')}`,
  );
  const seen = new Map<string, Message>();
  let cursor: string | null = null;
  do {
    const page: Page = await read('list_messages', { limit: 100, ...(cursor === null ? {} : { cursor }) });
    t.equal(page.total, 440);
    for (const message of page.messages) seen.set(message.id, message);
    cursor = page.next_cursor;
  } while (cursor !== null);
  t.equal(seen.size, 440, 'every message of the inbox once');
  t.equal([...seen.values()][0]?.subject, 'Message 439', 'newest first');
  const unread = await read<{ unread: number; total: number }>('count_unread');
  t.equal(unread.unread, [...seen.values()].filter((message) => message.unread).length, 'count and list agree');
  t.equal((await read<Page>('list_messages', { folder: 'Sent', limit: 100 })).messages.length, 50);
  t.equal((await read<Page>('search', { subject: 'Report 33' })).messages[0]?.subject, 'Report 333');
  t.equal((await read<Page>('search', { text: 'message 42.' })).messages.length, 1);
});

t.test('bodies in odd charsets, hidden HTML, attachments', async (t) => {
  for (const odd of ODD_CHARSETS) {
    const found = (await read<Page>('search', { subject: `Odd ${odd.label}` })).messages.find(
      ({ subject }) => subject === `Odd ${odd.label}`,
    );
    const { body } = await read<{ body: string }>('get_message', { id: found?.id });
    t.equal(body.trim(), odd.text, odd.label);
  }
  const [html] = (await read<Page>('search', { subject: 'Angebot', limit: 1 })).messages;
  const message = await read<{ body: string; hidden_text_dropped: boolean }>('get_message', { id: html?.id });
  t.match(message, { hidden_text_dropped: true }, 'says that it dropped hidden text');
  t.match(message.body, /Visible offer[^]*Visible end/);
  t.notMatch(message.body, /SECRET/, 'nothing of what a human would not see');
  const [report] = (await read<Page>('search', { subject: 'Report 13', has_attachment: true })).messages.filter(
    ({ subject }) => subject === 'Report 13',
  );
  const part = report?.attachments[0]?.part;
  const pieces: Buffer[] = [];
  let offset: number | null = 0;
  while (offset !== null) {
    const piece: { base64: string; next_offset: number | null } = await read('get_attachment', {
      id: report?.id,
      part,
      offset,
      length: 1000,
    });
    pieces.push(Buffer.from(piece.base64, 'base64'));
    offset = piece.next_offset;
  }
  t.ok(Buffer.concat(pieces).equals(attachmentBytes(13)), `an attachment in ${pieces.length} pieces`);
});

t.test('what is refused', async (t) => {
  t.equal(errorCode(await airlock(['request', 'mail:write', '--reason', 'to send'])), 'READ_ONLY');
  t.equal(errorCode(await call('delete_message', { id: 'x' })), 'OPERATION_UNKNOWN');
  t.equal(
    errorCode(await call('search', { subject: 'x"\r\nA1 STORE 1 +FLAGS \\Deleted' })),
    'PARAMS_INVALID',
    'a command hidden in an argument',
  );
  t.equal(errorCode(await call('list_messages', {}, { service: 'calendar' })), 'SERVICE_UNKNOWN');
  const stolen = await call('list_messages', {}, { user: OTHER_AGENT, lease: fact('lease') });
  t.match(errorCode(stolen), /^LEASE_/, "another role with this role's lease");
  t.equal(errorCode(await airlock(['request', 'mail:read', '--reason', `code ${await codeOfStep(1)}`])), 'CODE_ON_AGENT_SOCKET');
});

t.test('a narrowed lease allows less, a released one nothing', async (t) => {
  const narrowed = await airlock(['lease', 'narrow', fact('lease'), '--scope', 'mail:read:count_unread']);
  t.equal(narrowed.status, 0, JSON.stringify(narrowed.value));
  const lease = String(narrowed.value['lease']);
  t.equal((await call('count_unread', {}, { lease })).status, 0);
  t.equal(errorCode(await call('list_messages', {}, { lease })), 'LEASE_SCOPE');
  t.equal((await airlock(['release'])).status, 0);
  for (const old of [fact('lease'), lease])
    t.match(errorCode(await call('count_unread', {}, { lease: old })), /^LEASE_(REVOKED|INVALID)$/);
});

t.test('a second agent has its own role and lease; revoking ends it', async (t) => {
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const { asked, approved } = await obtain(['mail:read'], 10, { user: OTHER_AGENT });
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  t.match(approved.value['lease'], { role: 'helper', scopes: ['mail:read'] });
  t.equal((await call('count_unread', {}, { user: OTHER_AGENT })).status, 0);
  const { id } = approved.value['lease'] as { id: string };
  t.equal((await ctl(['revoke', id])).status, 0);
  t.match(errorCode(await call('count_unread', {}, { user: OTHER_AGENT })), /^LEASE_REVOKED$/);
});

/** quality.md, IMAP verbs. */
const ALLOWED = new Set(
  'CAPABILITY ID LOGIN AUTHENTICATE STARTTLS EXAMINE LIST STATUS SEARCH FETCH NOOP LOGOUT ENABLE NAMESPACE'.split(' '),
);

t.test('the mailbox is as it was, and only reading went over the wire', async (t) => {
  t.equal(mailboxDigest(), fact('mailbox'), 'byte for byte');
  const commands = commandsOnTheWire();
  const verbs = [...new Set(commands.map((line) => line.replace(/^UID /, '').split(' ')[0] ?? ''))];
  t.ok(commands.length > 50, `${commands.length} commands were recorded`);
  t.strictSame(
    verbs.filter((verb) => !ALLOWED.has(verb)),
    [],
    `verbs: ${verbs.join(' ')}`,
  );
  t.strictSame(
    commands.filter((line) => /BODY\[/.test(line)),
    [],
    'every body is fetched with PEEK',
  );
  t.notMatch(commands.join('\n'), new RegExp(password()), 'the record holds no secret');
});

t.test('the audit log tells it and verifies', async (t) => {
  const events = (await ctl(['audit'])).value as unknown as { event: string }[];
  for (const event of [
    'access_requested',
    'totp_verified',
    'lease_issued',
    'access_denied',
    'key_released',
    'operation',
    'operation_refused',
    'lease_released',
    'lease_revoked',
  ]) {
    t.ok(
      events.some((record) => record.event === event),
      event,
    );
  }
  const verified = await ctl(['audit', 'verify']);
  t.equal(verified.status, 0, JSON.stringify(verified.value));
  t.equal(verified.value['ok'], true);
  t.notMatch(await must(['bash', '-c', `su ${OPERATOR} -c 'airlock-ctl audit --json'`]), new RegExp(password()));
});
