import t from 'tap';
import type { ListedFolder } from '../src/guard/folder-line.js';
import { decodeFolderName, encodeFolderName } from '../src/guard/folder-line.js';
import { Incoming } from '../src/guard/incoming.js';
import { refusalOf } from '../src/guard/text-code.js';
import { WireViolation } from '../src/guard/violation.js';
import { LIMITS } from '../src/limits.js';

interface Received {
  readonly out: string;
  readonly folders: readonly ListedFolder[];
  readonly violation: string | null;
}

const receive = (chunks: readonly Buffer[]): Received => {
  let out = '';
  const folders: ListedFolder[] = [];
  const incoming = new Incoming({
    forward: (bytes) => (out += bytes.toString('latin1')),
    folder: (folder) => folders.push(folder),
    continuation: () => undefined,
    tagged: () => undefined,
  });
  try {
    for (const chunk of chunks) incoming.feed(chunk);
  } catch (thrown) {
    if (!(thrown instanceof WireViolation)) throw thrown;
    return { out, folders, violation: thrown.reason };
  }
  return { out, folders, violation: null };
};

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const deliveries = (text: string): readonly (readonly Buffer[])[] => [
  [bytes(text)],
  [...bytes(text)].map((byte) => Buffer.from([byte])),
];

/** What the server says, and what node-imap gets to see. */
const REWRITTEN: readonly (readonly [string, string])[] = [
  ['* OK [CAPABILITY IMAP4rev1] Welcome\r\n', '* OK .\r\n'],
  ['* OK [UIDVALIDITY 77] ok\r\n', '* OK [UIDVALIDITY 77] .\r\n'],
  ['A7 NO [AUTHENTICATIONFAILED] go to http://evil.example\r\n', 'A7 NO [AUTHENTICATIONFAILED] .\r\n'],
  ['* CAPABILITY IMAP4rev1 AUTH=CRAM-MD5 CONDSTORE IDLE X-GM-EXT-1\r\n', '* CAPABILITY IMAP4REV1 X-GM-EXT-1\r\n'],
  ['* 12 EXISTS\r\n* 3 recent\r\n', '* 12 EXISTS\r\n* 3 RECENT\r\n'],
  ['* FLAGS (\\Seen)\r\n* ID ("name" "x")\r\n', ''],
  ['* SEARCH 1 2 3\r\n', '* SEARCH 1 2 3\r\n'],
  ['* ESEARCH (TAG "A5") UID COUNT 9\r\n', '* ESEARCH (TAG "A5") COUNT 9\r\n'],
  ['* STATUS "weird (" (MESSAGES 4 UNSEEN 2)\r\n', '* STATUS x (MESSAGES 4 UNSEEN 2)\r\n'],
  ['+ idling\r\n', '+ .\r\n'],
  ['* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[1]<0> {3}\r\nabc)\r\n', '* 1 FETCH (UID 5 FLAGS ("\\\\Seen") BODY[1] {3}\r\nabc)\r\n'],
  ['* 1 FETCH (UID 5 BODY[1] "a\\"b" FLAGS ())\r\n', '* 1 FETCH (UID 5 BODY[1] {3}\r\na"b FLAGS ())\r\n'],
  ['* 1 FETCH (BODY[1] NIL)\r\n', '* 1 FETCH (BODY[1] {0}\r\n)\r\n'],
  ['* 1 FETCH (X-GM-LABELS ([Gmail] {3}\r\na"b))\r\n', '* 1 FETCH (X-GM-LABELS ("[Gmail]" "a\\"b"))\r\n'],
  ['* 1 FETCH (BODYSTRUCTURE ("TEXT" "x\\y BODY[1]"))\r\n', '* 1 FETCH (BODYSTRUCTURE ("TEXT" "xy BODY(1]"))\r\n'],
  ['* 1 FETCH (BODYSTRUCTURE ("\xe2\x80\xa8"))\r\n', '* 1 FETCH (BODYSTRUCTURE (" "))\r\n'],
];

t.test('MAIL-7 answers reach node-imap in their plain form only', async (t) => {
  for (const [said, seen] of REWRITTEN) {
    for (const chunks of deliveries(said))
      t.same(receive(chunks), { out: seen, folders: [], violation: null }, JSON.stringify(said));
  }
});

t.test('MAIL-7 what no command of ours can have ends the connection', async (t) => {
  for (const said of [
    '* PREAUTH hello\r\n',
    'hello\r\n',
    '\r\n',
    'A1\r\n',
    'A1 MAYBE x\r\n',
    '* METADATA "" (/x {3}\r\n',
    '* SEARCH 1 x 2\r\n',
    'A1 OK {9}\r\n',
    '* OK hello {9999999999}\r\n',
  ])
    t.ok(receive([bytes(said)]).violation, JSON.stringify(said));
});

t.test('MAIL-6 lines, literals and answers are limited', async (t) => {
  t.equal(receive([bytes('* OK '), Buffer.alloc(LIMITS.maxLineBytes, 0x78)]).violation, 'line too long');
  t.equal(receive([bytes('* 1 FETCH (BODY[1] {2147483648}\r\n')]).violation, 'literal too large');
  t.equal(receive([bytes(`* 1 FETCH (BODY[1] {${LIMITS.maxBodyLiteralBytes + 1}}\r\n`)]).violation, 'literal too large');
  t.equal(receive([bytes(`* 1 FETCH (ENVELOPE ({${LIMITS.maxTextLiteralBytes + 1}}\r\n`)]).violation, 'literal too large');
  const flood = Array.from({ length: 66 }, () =>
    Buffer.concat([bytes('* 1 FETCH (BODY[1] {1048576}\r\n'), Buffer.alloc(1048576), bytes(')\r\n')]),
  );
  t.equal(receive(flood).violation, 'answer too large');
});

t.test('MAIL-8 parentheses', async (t) => {
  const nested = (depth: number): Received =>
    receive([bytes(`* 1 FETCH (BODYSTRUCTURE ${'('.repeat(depth)}${')'.repeat(depth)})\r\n`)]);
  t.equal(nested(LIMITS.maxNesting - 1).violation, null);
  t.equal(nested(LIMITS.maxNesting).violation, 'nested too deep');
  t.equal(nested(200_000).violation, 'nested too deep');
  for (const text of ['(UID 5', '(UID 5))', '(UID "5)', '(BODY[1])', '(BODY[1] (x))', '(BODY[1 {3}']) {
    t.ok(receive([bytes(`* 1 FETCH ${text}\r\n`)]).violation, `unbalanced ${text}`);
  }
});

t.test('folders are read by us, from quoted names, atoms and literals', async (t) => {
  const { folders, out } = receive([
    bytes(
      '* LIST (\\HasNoChildren \\Sent) "/" "a \\"b\\""\r\n* LIST () NIL INBOX\r\n* LIST () "." {9}\r\n__proto__\r\n* LIST broken\r\n',
    ),
  ]);
  t.equal(out, '', 'node-imap sees none: its tree of folders would write to Object.prototype');
  t.same(
    folders.map(({ wireName }) => wireName),
    ['a "b"', 'INBOX', '__proto__'],
  );
  t.same(folders[0]?.attributes, ['hasnochildren', 'sent']);
});

t.test('modified UTF-7 goes both ways, and what is not canonical is no name', async (t) => {
  for (const name of ['INBOX', 'Résumés', 'A & B', '日本語', 'mixed 日 text & more', '😀'])
    t.equal(decodeFolderName(encodeFolderName(name)), name, name);
  t.equal(encodeFolderName('~peter/mail/台北/日本語'), '~peter/mail/&U,BTFw-/&ZeVnLIqe-', 'RFC 3501 §5.1.3');
  for (const wire of ['&AGE-', '&', 'x&y', 'caf\xe9', 'a\nb', '&AAo-x&'])
    t.equal(decodeFolderName(wire), null, JSON.stringify(wire));
});

t.test('refusals are told apart by code and phrase', async (t) => {
  t.equal(refusalOf('NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)'), 'bad_credentials');
  t.equal(refusalOf('NO [ALERT] Your account is not enabled for IMAP use. Please visit your settings'), 'imap_disabled');
  t.equal(refusalOf('NO server is tired'), 'other');
});
