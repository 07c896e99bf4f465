/** What is written, with real servers: Dovecot takes drafts, aiosmtpd (python3-aiosmtpd) takes and counts messages. */
import PostalMime from 'postal-mime';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectorContext } from '@airlock/protocol';
import { startAiosmtpd, startDovecot, until, type AiosmtpdServer, type DovecotServer } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { imapContext, refused, run } from './context.js';

const ASKED = {
  to: ['bob@example.org'],
  cc: ['cy@example.org'],
  bcc: ['eve@example.org'],
  subject: 'Grüße, =?utf-8?B?eA==?= and a subject that is longer than one line of a header would like it to be 🎉',
  text: `.hidden dot\n.\n..\nFrom here\n${'long é '.repeat(200)}\n\ttab \nend`,
  in_reply_to: '<m1@example.org>',
};

let dovecot: DovecotServer;
t.before(async () => {
  dovecot = await startDovecot((maildir) => {
    for (const folder of ['.Drafts', '.Drafts/cur', '.Drafts/new', '.Drafts/tmp']) mkdirSync(join(maildir, folder));
    writeFileSync(join(maildir, 'cur/1735689600.M1.a:2,S'), 'Message-ID: <m1@example.org>\r\nSubject: first\r\n\r\nx\r\n');
  });
});
t.teardown(() => dovecot.stop());

interface Smtp {
  readonly scheme: string;
  readonly port: number;
}

const contextFor = (smtp?: Smtp): ConnectorContext => {
  const context = imapContext({ scheme: 'none', host: dovecot.host, port: dovecot.port });
  const origins = 'origins' in context.destination ? context.destination.origins : [];
  return {
    ...context,
    settings: { from: 'ada@example.org' },
    destination: { ...context.destination, origins: [...origins, ...(smtp ? [{ ...smtp, host: 'localhost' }] : [])] },
  };
};

const filesIn = (folder: string): readonly string[] =>
  ['cur', 'new'].flatMap((sub) =>
    readdirSync(join(dovecot.maildir, folder, sub)).map((name) => join(dovecot.maildir, folder, sub, name)),
  );

t.test(
  'MAIL-2 a draft: one file, marked as a draft and seen, that reads as it was asked; the rest of the mailbox is as it was',
  async (t) => {
    const verbs: string[] = [];
    const inbox = filesIn('.').map((path) => readFileSync(path, 'utf8'));
    const session = await openImapSession(contextFor(), { onCommand: (verb) => verbs.push(verb) });
    const saved = await run(session, 'save_draft', ASKED);
    t.match(saved, { folder: 'Drafts', saved: true });
    const [file = '', ...more] = filesIn('.Drafts');
    t.same(more, []);
    t.match(file, /:2,DS$/);
    const parsed = await PostalMime.parse(readFileSync(file));
    t.match(parsed, {
      subject: ASKED.subject,
      from: { address: 'ada@example.org' },
      bcc: [{ address: 'eve@example.org' }],
      inReplyTo: '<m1@example.org>',
    });
    t.equal((parsed.text ?? '').replace(/\n$/, ''), ASKED.text);
    const [listed] = (await run(session, 'list_messages', { folder: 'Drafts' })).messages;
    t.match(listed, { subject: ASKED.subject, unread: false });
    t.match(await run(session, 'get_message', { id: listed?.id ?? '' }), { body: /^\.hidden dot\n\.\n/ });
    t.equal(verbs.filter((verb) => verb === 'APPEND').length, 1);
    t.same(
      filesIn('.').map((path) => readFileSync(path, 'utf8')),
      inbox,
    );
    await session.close();
  },
);

const started = async (t: Test, security: 'none' | 'tls' | 'starttls', methods?: 'LOGIN'): Promise<AiosmtpdServer> => {
  const server = await startAiosmtpd(security, methods);
  t.teardown(() => server.stop());
  return server;
};

t.test(
  'MAIL-33 a message: taken once over TLS, STARTTLS and loopback, by PLAIN and LOGIN, and read back as it was asked',
  async (t) => {
    for (const [security, methods] of [['tls'], ['starttls'], ['starttls', 'LOGIN'], ['none']] as const) {
      const server = await started(t, security, methods);
      const session = await openImapSession(contextFor({ scheme: `smtp-${security}`, port: server.port }), {
        ca: server.certificate,
      });
      t.match(await run(session, 'send_message', ASKED), { sent: true, recipients: 3 }, security);
      await until('it prints what it took', () => server.messages.length > 0);
      t.equal(server.messages.length, 1);
      const [message] = server.messages;
      t.match(message, {
        from: 'ada@example.org',
        to: ['bob@example.org', 'cy@example.org', 'eve@example.org'],
        isEncrypted: security !== 'none',
      });
      const parsed = await PostalMime.parse(Buffer.from(message?.data ?? '', 'latin1'));
      t.match(parsed, { subject: ASKED.subject, to: [{ address: 'bob@example.org' }], cc: [{ address: 'cy@example.org' }] });
      t.equal((parsed.text ?? '').replace(/\n$/, ''), ASKED.text);
      t.notMatch(message?.data, /eve@/, 'nobody sees the hidden ones');
      await refused(t, run(session, 'send_message', { ...ASKED, cc: ['nobody@example.org'] }), 'UPSTREAM_REFUSED', 'MAIL-35');
      t.equal(server.messages.length, 1, 'MAIL-35');
      await session.close();
    }
  },
);

t.test('MAIL-33 an unknown authority and a wrong password: nothing is taken', async (t) => {
  const server = await started(t, 'tls');
  const unknown = await openImapSession(contextFor({ scheme: 'smtp-tls', port: server.port }));
  const error = await refused(t, run(unknown, 'send_message', ASKED), 'UPSTREAM_REFUSED', 'authority');
  t.equal(error.data.found, 'tls');
  await unknown.close();
  t.same(server.messages, []);
});
