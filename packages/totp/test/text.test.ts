/** What the approver is shown: every Unicode scalar, and the documented examples. */
import t from 'tap';
import { escapeText, quoteText, wordText } from '../src/text/escape.js';
import { actionText } from '../src/text/action-text.js';
import { leaseText, type LeaseFacts } from '../src/text/lease-text.js';
import { operationText } from '../src/text/operation-text.js';
import { durationText } from '../src/text/renewal-text.js';

const FACTS: LeaseFacts = {
  id: 'r-k3m9qz7w2p',
  role: 'default',
  session: '9f2kq1',
  scopes: ['gmail:read'],
  ttlS: 3600,
  reason: 'find the invoice of ACME from March',
  intent: 'find the invoice of ACME',
  constraints: {},
  budget: null,
  match: '07',
};

t.test('approval.md, text of a lease request', (t) => {
  t.equal(
    leaseText(FACTS),
    [
      'Airlock request r-k3m9qz7w2p',
      '',
      '  who      agents of role "default" (session 9f2kq1)',
      '  access   gmail:read',
      '  for      60 min from approval',
      '  reason   "find the invoice of ACME from March"',
      "           (the agent's words)",
      '  intent   "find the invoice of ACME"',
      "           (the agent's words)",
      '  limits   none',
      '  match    07',
    ].join('\n'),
  );
  t.end();
});

t.test('IDENTITY-1: what the agent calls itself stands below who it is, quoted, as its own words', (t) => {
  const hostile = 'claude"\n  access   everything\u202e\u200b (the operator)';
  for (const client of ['claude-code (airlock 0.1.0)', hostile]) {
    const lines = leaseText({ ...FACTS, client }).split('\n');
    t.equal(lines.length, 12);
    t.equal(lines[2], '  who      agents of role "default" (session 9f2kq1)');
    t.match(lines[3], /^ {11}calls itself ".*" \(the agent's words\)$/);
    t.notMatch(lines[3], /[\u202e\u200b]/);
  }
  const operation = { ...FACTS, lease: 'l', service: 'mail', operation: 'send_message', class: 'write', params: {} };
  t.match(operationText({ ...operation, client: hostile }).split('\n')[3], /^ {11}calls itself "/);
  t.notMatch(leaseText(FACTS) + operationText(operation), /calls itself/, 'negative control');
  t.notMatch(leaseText({ ...FACTS, role: 'operator', client: 'x' }), /calls itself/, 'the operator is nobody else');
  t.end();
});

t.test('approval.md, text of an action', (t) => {
  const destination = {
    kind: 'gmail',
    origins: [{ scheme: 'imaps', host: 'imap.gmail.com', port: 993 }],
    user: 'ada@example.org',
  };
  const params = {
    service: 'gmail',
    kind: 'gmail',
    settings: { user: 'ada@example.org' },
    destination,
    fields: ['password'],
    test: true,
  };
  t.equal(
    actionText({ id: 'r-p4d8ws2h6k', operator: 'default', action: { verb: 'service.add', params }, match: '52' }),
    [
      'Airlock action r-p4d8ws2h6k',
      '',
      '  you      operator "default"',
      '  do       add a service',
      '  service  gmail',
      '  kind     gmail',
      '  to       imaps://imap.gmail.com:993 as ada@example.org',
      '  settings user = "ada@example.org"',
      '  secrets  password (sealed, never shown)',
      '  test     log in once before anything is stored',
      '  match    52',
    ].join('\n'),
  );
  t.end();
});

t.test('ANOM-6: the text of an unblocking names the role, and the session or all of them', (t) => {
  const text = (params: { role: string; session?: string }): string =>
    actionText({ id: 'r-p4d8ws2h6k', operator: 'default', action: { verb: 'unblock', params }, match: '52' });
  t.match(text({ role: 'mailer' }), /do +let an agent go on that was blocked\n +role +mailer\n +session +all of the role\n/);
  t.match(text({ role: 'mailer', session: 'k7mwp2xq' }), /session +k7mwp2xq\n/);
  t.end();
});

/** Code points whose properties are stated here by range, apart from the escaper's own expressions. */
const isDangerous = (point: number): boolean =>
  point < 0x20 ||
  (point >= 0x7f && point <= 0xa0) ||
  point === 0xad ||
  point === 0x34f ||
  point === 0x61c ||
  (point >= 0x115f && point <= 0x1160) ||
  point === 0x1680 ||
  (point >= 0x17b4 && point <= 0x17b5) ||
  (point >= 0x180b && point <= 0x180f) ||
  (point >= 0x2000 && point <= 0x200f) ||
  (point >= 0x2028 && point <= 0x202f) ||
  (point >= 0x205f && point <= 0x206f) ||
  point === 0x2800 ||
  point === 0x3000 ||
  point === 0x3164 ||
  (point >= 0xe000 && point <= 0xf8ff) ||
  (point >= 0xfe00 && point <= 0xfe0f) ||
  point === 0xfeff ||
  point === 0xffa0 ||
  (point >= 0xfff0 && point <= 0xfffc) ||
  (point >= 0x1bca0 && point <= 0x1bca3) ||
  (point >= 0x1d173 && point <= 0x1d17a) ||
  point >= 0xe0000;

t.test('TEXT-1: over all 1,112,064 Unicode scalars nothing hidden is printed', (t) => {
  let count = 0;
  const wrong: string[] = [];
  for (let point = 0; point <= 0x10ffff; point += 1) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    count += 1;
    const shown = escapeText(String.fromCodePoint(point));
    const isEscaped = shown === `\\u{${point.toString(16).toUpperCase()}}`;
    if (isDangerous(point) && !isEscaped) wrong.push(`${point.toString(16)} printed`);
    if (!isEscaped && shown !== String.fromCodePoint(point) && shown !== `\\${String.fromCodePoint(point)}`)
      wrong.push(`${point.toString(16)} changed`);
    if (point >= 0x20 && point < 0x7f && isEscaped) wrong.push(`${point.toString(16)} hidden`);
  }
  t.equal(count, 1_112_064);
  t.same(wrong.slice(0, 10), []);
  t.end();
});

t.test('TEXT-2: foreign text can neither end its quotation nor start a line', (t) => {
  const hostile = 'x"\n  match    99\r\n  access   \u202egmail\\u{41}';
  const shown = quoteText(hostile);
  t.equal(
    shown,
    '"x\\"\\u{A} \\u{20}match \\u{20}\\u{20}\\u{20}99\\u{D}\\u{A} \\u{20}access \\u{20}\\u{20}\\u{202E}gmail\\\\u{41}"',
  );
  const lines = leaseText({ ...FACTS, reason: hostile, intent: hostile, session: 's 1) "' }).split('\n');
  t.equal(lines.length, 11);
  t.equal(lines.filter((line) => line.startsWith('  match')).length, 1);
  t.equal(wordText('a b'), '"a b"');
  t.equal(escapeText('\ud800'), '\\u{D800}', 'lone surrogate');
  t.end();
});

t.test('TEXT-3: marks stand on letters, two at most', (t) => {
  t.equal(escapeText('e\u0301'), 'e\u0301');
  t.equal(escapeText('\u0301e'), '\\u{301}e');
  t.equal(escapeText('a\u0301\u0302\u0303'), 'a\u0301\u0302\\u{303}');
  t.equal(escapeText('1\u20dd'), '1\\u{20DD}');
  t.equal(escapeText('نمونه'), 'نمونه', 'letters of every script stay');
  t.end();
});

t.test('durations are never rounded; limits and budgets are shown', (t) => {
  t.equal(durationText(90), '90 s');
  t.equal(durationText(28_800), '480 min');
  const text = leaseText({
    ...FACTS,
    intent: null,
    constraints: { folders: ['INBOX', 'a"b'], maxResults: 5 },
    budget: { calls: 10 },
  });
  t.match(text, '  intent   none');
  t.match(text, '  limits   only folders "INBOX", "a\\"b"');
  t.match(text, '           at most 5 results a call');
  t.match(text, '           at most 10 calls');
  t.end();
});

t.test('TEXT-5: foreign text has no two spaces in a row, so that it cannot be wrapped into a line of ours', (t) => {
  t.equal(escapeText('a b c '), 'a b c ');
  t.equal(escapeText('a  b'), 'a \\u{20}b');
  t.equal(escapeText('   match    07'), ' \\u{20}\\u{20}match \\u{20}\\u{20}\\u{20}07');
  t.equal(escapeText('é  é'), 'é \\u{20}é', 'beside other characters, too');
  for (const blank of ['\u2800', '\u{1D159}', '\u{13441}', '\u{13442}', '\u3164', '\uffa0', '\u115f'])
    t.match(escapeText(`a${blank}b`), /^a\\u\{[0-9A-F]+\}b$/, 'nor what is only drawn as one');
  t.end();
});
