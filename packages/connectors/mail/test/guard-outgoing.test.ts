import t from 'tap';
import { Outgoing } from '../src/guard/outgoing.js';
import { WireViolation } from '../src/guard/violation.js';

const ignored = { announced: () => undefined, appending: () => undefined };

interface Sent {
  readonly out: string;
  readonly verbs: readonly string[];
  readonly violation: string | null;
}

const send = (chunks: readonly Buffer[], continueAfter = false): Sent => {
  let out = '';
  const verbs: string[] = [];
  const outgoing = new Outgoing({
    forward: (bytes) => (out += bytes.toString('latin1')),
    command: (verb) => verbs.push(verb),
    ...ignored,
  });
  try {
    for (const chunk of chunks) {
      outgoing.feed(chunk);
      if (continueAfter) outgoing.continued();
    }
  } catch (thrown) {
    if (!(thrown instanceof WireViolation)) throw thrown;
    return { out, verbs, violation: thrown.reason };
  }
  return { out, verbs, violation: null };
};

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const single = (text: string): readonly Buffer[] => [...bytes(text)].map((byte) => Buffer.from([byte]));

const ALLOWED = [
  'A0 CAPABILITY',
  'A1 NAMESPACE',
  'NOOP NOOP',
  'A3 LOGOUT',
  'A4 LOGIN "ada" "pass \\" \\\\ word"',
  'A5 EXAMINE "R&AOk-sum&AOk-"',
  'A6 LIST "" "*"',
  'A7 LIST "" ""',
  'A8 STATUS "INBOX" (MESSAGES RECENT UNSEEN UIDVALIDITY UIDNEXT)',
  'A9 UID SEARCH ALL',
  'A10 UID SEARCH FROM "x \\" y" SINCE 1-Jan-2025 UNSEEN UID 1:99',
  'A11 SEARCH RETURN (COUNT) UID 1:5',
  'A12 UID SEARCH X-GM-RAW "has:attachment from:bob"',
  'A13 FETCH 391:440 (UID FLAGS INTERNALDATE BODYSTRUCTURE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO)])',
  'A14 UID FETCH 5,7,9 (X-GM-THRID X-GM-MSGID X-GM-LABELS UID BODY.PEEK[1.2]<0.1024>)',
];

const FORBIDDEN = [
  'A1 SELECT "INBOX"',
  'A1 STORE 1 +FLAGS (\\Seen)',
  'A1 UID STORE 1 FLAGS ()',
  'A1 COPY 1 "x"',
  'A1 UID MOVE 1 "x"',
  'A1 APPEND "INBOX" {5}',
  'A1 CREATE "x"',
  'A1 DELETE "x"',
  'A1 RENAME "a" "b"',
  'A1 SUBSCRIBE "x"',
  'A1 UNSUBSCRIBE "x"',
  'A1 CLOSE',
  'A1 EXPUNGE',
  'A1 UID EXPUNGE 1',
  'A1 IDLE',
  'IDLE IDLE',
  'DONE',
  'A1 UNSELECT',
  'A1 STARTTLS',
  'A1 AUTHENTICATE CRAM-MD5',
  'A1 SETQUOTA "" (STORAGE 1)',
  'A1 XLIST "" "*"',
  'A1 LSUB "" "*"',
  'A1 FETCH 1 (BODY[])',
  'A1 FETCH 1 (BODY[TEXT])',
  'A1 UID FETCH 1 (RFC822)',
  'A1 FETCH 1 (RFC822.TEXT)',
  'A1 FETCH 1 RFC822',
  'A1 FETCH 1 ALL',
  'A1 FETCH 1 (UID BODY.PEEK[] BODY[1])',
  'A1 FETCH 1 (BODY.PEEK[1',
  'A1 FETCH 1 (UID) (CHANGEDSINCE 1)',
  'A1 EXAMINE INBOX',
  'A1 EXAMINE "a" "b"',
  'A1 EXAMINE "a',
  'A1 EXAMINE "INBOX" (CONDSTORE)',
  'A1 EXAMINE "\xe9"',
  'A1 LIST "x" "*"',
  'A1 STATUS "INBOX" (HIGHESTMODSEQ)',
  'A1 UID SEARCH',
  'A1 UID SEARCH FROM x',
  'A1 UID SEARCH FROM "a" DELETED)',
  'A1 UID SEARCH FROM "a\\n"',
  'B1 NOOP',
  'NOOP',
  '',
  'A1  NOOP',
  'a1 noop',
  'A1 NOOP ',
  'A1 CAPABILITY x',
  'A1 SORT (DATE) UTF-8 ALL',
  'A1 UID THREAD REFS UTF-8 ALL',
  'A1 ENABLE UTF8=ACCEPT',
];

t.test('MAIL-1 the commands on the list pass as they are, however they are cut', async (t) => {
  for (const command of ALLOWED) {
    const line = `${command}\r\n`;
    for (const chunks of [[bytes(line)], single(line)]) t.same(send(chunks).out, line, command);
  }
  t.same(send([bytes(ALLOWED.map((command) => `${command}\r\n`).join(''))]).verbs.length, ALLOWED.length, 'glued together');
});

t.test('MAIL-2 no other command leaves, not a byte of it', async (t) => {
  for (const command of FORBIDDEN) {
    const sent = send([bytes(`${command}\r\n`)]);
    t.ok(sent.violation !== null && sent.out === '', command);
  }
});

t.test('MAIL-3 CR, LF and NUL in a quoted argument end the connection before anything leaves', async (t) => {
  for (const text of ['x\r\nA99 CREATE "y', 'x\nA99 DELETE "y', 'x\rA99 NOOP', 'x\0y']) {
    const sent = send([bytes(`A1 UID SEARCH FROM "${text}"\r\n`)]);
    t.ok(sent.violation, JSON.stringify(text));
    t.equal(sent.out, '', 'nothing left');
  }
});

t.test('MAIL-4 a line without end does not leave and is limited', async (t) => {
  t.equal(send([bytes('A1 NOOP')]).out, '');
  t.equal(send([bytes(`A1 EXAMINE "${'x'.repeat(9000)}`)]).violation, 'command line too long');
});

t.test('LOGIN leaves once', async (t) => {
  t.equal(send([bytes('A1 LOGIN "a" "b"\r\nA2 LOGIN "a" "c"\r\n')]).violation, 'command sent twice');
});

t.test('MAIL-5 literals', async (t) => {
  const head = bytes('A1 UID SEARCH CHARSET UTF-8 SUBJECT {3}\r\n');
  t.test('pass after the server asked', async (t) => {
    const sent = send([head, bytes('\xc3\xbcx'), bytes(' UNSEEN\r\n')], true);
    t.equal(sent.violation, null);
    t.equal(sent.out, 'A1 UID SEARCH CHARSET UTF-8 SUBJECT {3}\r\n\xc3\xbcx UNSEEN\r\n');
    t.same(sent.verbs, ['SEARCH']);
  });
  t.test('do not pass before', async (t) => {
    t.equal(send([head, bytes('\xc3\xbcx\r\n')]).violation, 'literal sent before the server asked for it');
  });
  t.test('hold no line break, even inside their length', async (t) => {
    for (const text of ['\r\nx', 'x\n ', '\0ab']) t.match(send([head, bytes(text)], true).violation, /CR, LF or NUL/);
  });
  t.test('are checked to the end of the command', async (t) => {
    t.match(send([head, bytes('abc'), bytes(' DELETED\r\n')], true).violation, /not on the list/);
    t.match(send([head, bytes('abc'), bytes('\r\nA2 CREATE "x"\r\n')], true).violation, /not on the list/);
  });
  t.test('stand in SEARCH only, and never as {n+}', async (t) => {
    for (const line of [
      'A1 LOGIN {3}',
      'A1 EXAMINE {3}',
      'A1 UID SEARCH {3}',
      'A1 UID SEARCH SUBJECT {3+}',
      'A1 UID SEARCH SUBJECT {99999}',
      'A1 UID SEARCH SUBJECT {0}',
    ]) {
      t.ok(send([bytes(`${line}\r\n`)]).violation, line);
    }
  });
});

t.test('a piece is put behind the section of the next FETCH and nowhere else', async (t) => {
  let out = '';
  const outgoing = new Outgoing({ forward: (chunk) => (out += chunk.toString('latin1')), command: () => undefined, ...ignored });
  outgoing.askForPiece({ section: '2', offset: 5, length: 9 });
  outgoing.feed(bytes('A1 UID FETCH 1 (UID BODY.PEEK[2])\r\nA2 UID FETCH 1 (UID BODY.PEEK[2])\r\n'));
  t.equal(out, 'A1 UID FETCH 1 (UID BODY.PEEK[2]<5.9>)\r\nA2 UID FETCH 1 (UID BODY.PEEK[2])\r\n');
});

const DRAFT = { wireName: 'Entw&APw-rfe "x"', bytes: bytes('Subject: x\r\n\r\nA9 NOOP\r\n') };
const HEAD = 'A1 APPEND "Entw&APw-rfe \\"x\\"" (\\Draft \\Seen) ';
const announced = bytes(`${HEAD}{${DRAFT.bytes.length}}\r\n`);

/** Feeds an outgoing that is armed with the draft once, and asked to continue after each chunk. */
const sendArmed = (
  chunks: readonly Buffer[],
  more: { readonly isAsked?: boolean } = {},
): Sent & { readonly states: readonly string[] } => {
  let out = '';
  const verbs: string[] = [];
  const states: string[] = [];
  const outgoing = new Outgoing({
    forward: (chunk) => (out += chunk.toString('latin1')),
    command: (verb) => verbs.push(verb),
    announced: (tag) => states.push(`announced ${tag}`),
    appending: () => states.push('appending'),
  });
  outgoing.armAppend(DRAFT);
  try {
    for (const chunk of chunks) {
      outgoing.feed(chunk);
      if (more.isAsked !== false) outgoing.continued();
    }
  } catch (thrown) {
    if (!(thrown instanceof WireViolation)) throw thrown;
    return { out, verbs, violation: thrown.reason, states };
  }
  return { out, verbs, violation: null, states };
};

t.test('MAIL-2 an APPEND that was armed leaves once, as it was armed', (t) => {
  const sent = sendArmed([announced, DRAFT.bytes, bytes('\r\n')]);
  t.same(sent, {
    out: `${announced.toString('latin1')}${DRAFT.bytes.toString('latin1')}\r\n`,
    verbs: ['APPEND'],
    violation: null,
    states: ['announced A1', 'appending'],
  });
  t.equal(sendArmed([announced, ...[...DRAFT.bytes].map((byte) => Buffer.from([byte])), bytes('\r\n')]).violation, null);
  t.match(sendArmed([announced, DRAFT.bytes, bytes('\r\n'), announced]).violation, /literal where none may be/, 'once');
  t.match(send([announced]).violation, /literal where none may be/, 'not at all where nothing is armed');
  t.end();
});

t.test('MAIL-2 an armed APPEND with another folder, flag, length or byte does not leave', (t) => {
  const others = [
    announced.toString('latin1').replace('Entw', 'INBOX'),
    announced.toString('latin1').replace(' \\Seen', ''),
    announced.toString('latin1').replace('\\Draft', '\\Deleted'),
    announced.toString('latin1').replace('{', '"01-Jan-2025 00:00:00 +0000" {'),
    announced.toString('latin1').replace(/\{[0-9]+\}/, '{5}'),
    announced.toString('latin1').replace('}', '+}'),
  ];
  for (const other of others) t.ok(sendArmed([bytes(other)]).violation, other);
  const changed = Buffer.from(DRAFT.bytes);
  changed[0] = 0x73;
  t.match(sendArmed([announced, changed]).violation, /other bytes/);
  t.match(sendArmed([announced, DRAFT.bytes, bytes(' (\\Deleted)\r\n')]).violation, /more than was armed/);
  t.match(sendArmed([announced, DRAFT.bytes, bytes('A2 DELETE "x"\r\n')]).violation, /more than was armed/);
  t.match(sendArmed([announced, DRAFT.bytes], { isAsked: false }).violation, /before the server asked/);
  t.end();
});
