/** GUARD-6 to GUARD-11: secrets of others. Keys are put together here, so that no scanner of this repository takes them for real. */
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { redactText, redactValue } from '../src/index.js';
import { PREFIXES } from '../src/secrets/prefixes.js';
import { ALPHABETS, isIn, type Alphabet } from '../src/secrets/found.js';

const SIGNS = 'Q7w3Zr9XkM2vB8nT4yPd6LsHf1Gj5CcRaEuVo0NiWtKmYbDxJzSgUqAhOePlFI-_.+/=';
const signsOf = (alphabet: Alphabet): string =>
  Array.from(alphabet === 'hex' ? '7a3f9c1e5b8d2046f0e1d9c3' : SIGNS)
    .filter((char) => isIn(char, 0, ALPHABETS[alphabet]) && /[A-Za-z0-9]/.test(char))
    .join('');
const bodyOf = (alphabet: Alphabet, length: number): string => signsOf(alphabet).repeat(length).slice(0, length);

t.test('GUARD-7 each token of the table is masked, and shows prefix and end', async (test) => {
  for (const [prefix, alphabet, min] of PREFIXES) {
    const token = prefix + bodyOf(alphabet, Math.max(min, 12));
    const masked = redactText(`use ${token} here`);
    test.notOk(masked.includes(token.slice(-8)), prefix);
    test.match(masked, /^use \[masked \S*…\S{4}\] here$/, prefix);
  }
  test.match(redactText(`sk-${bodyOf('alnum', 48)}`), /^\[masked sk-…\w{4}\]$/, 'the form the specification shows');
  test.ok(Object.keys(ALPHABETS).length > 5);
});

t.test('GUARD-7 what only begins like a token stays', async (test) => {
  for (const text of [
    'scikit sk-learn-pipeline-with-a-long-name is fine',
    'a task-force-of-people-with-long-names-everywhere',
    'npm_config_registry_and_other_settings_of_npm_here',
    `xghp_${bodyOf('alnum', 36)}`,
    'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'commit 5388c63f0a9b1d2e3c4f5a6b7c8d9e0f1a2b3c4d on main',
    'id 123e4567-e89b-12d3-a456-426614174000',
    'live_and_let_die, test_of_time, key-value-store',
  ])
    test.equal(redactText(text), text);
});

const seg = (text: string): string => Buffer.from(text).toString('base64url');
const JWT = [seg('{"alg":"HS256","typ":"JWT"}'), seg('{"sub":"1234567890","name":"Ada"}'), bodyOf('url', 43)].join('.');

t.test('GUARD-8 JWT, otpauth, PEM, PuTTY, passwords in URLs, hooks', async (test) => {
  const armour = (label: string, word: string): string => `-----${word} ${label}-----`;
  const lines = Array.from({ length: 8 }, (_, n) => bodyOf('alnum', 60 + n)).join('\n');
  const pem = `${armour('RSA PRIVATE KEY', 'BEGIN')}\n${lines}\n${armour('RSA PRIVATE KEY', 'END')}`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [`t=${JWT};`, /^t=\[masked eyJ…\w{4}\];$/],
    [`see otpauth://totp/a:b?secret=${bodyOf('upper', 20)}&issuer=x now`, /^see \[masked otpauth\] now$/],
    [`a\n${pem}\nb`, /^a\n\[masked private key\]\nb$/],
    [`a\n${pem.slice(0, 300)}`, /^a\n\[masked private key\]$/],
    [`a ${JSON.stringify(pem)} b`, /^a "\[masked private key\]" b$/],
    [`Private-Lines: 2\n${lines}`, /^\[masked private key\]$/],
    [['postgres://app', 'tr0ub4dor@db.example/x'].join(':'), /^postgres:\/\/app:\[masked password\]@db\.example\/x$/],
    [
      `https://hooks.slack.com/services/T0${bodyOf('upper', 8)}/B0${bodyOf('upper', 8)}/${bodyOf('alnum', 24)}`,
      /services\/\[masked token …/,
    ],
  ];
  for (const [text, expected] of cases) test.match(redactText(text), expected);
  const open = `${armour('PUBLIC KEY', 'BEGIN')}\n${lines}\n${armour('PUBLIC KEY', 'END')}`;
  for (const text of [
    open,
    'https://example.org:8080/a@b',
    'https://example.org/a:b@c',
    'git://user:<password>@host/x',
    'mail me at x://y',
  ])
    test.equal(redactText(text), text, 'negative control');
});

t.test('GUARD-9 cards, IBAN and social security numbers are masked by their checks', async (test) => {
  test.equal(redactText('pay 4111 1111 1111 1111 now'), 'pay [masked card …1111] now');
  test.equal(redactText('5500-0000-0000-0004, 378282246310005.'), '[masked card …0004], [masked card …0005].');
  test.equal(
    redactText('DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432'),
    '[masked iban DE…3000] and [masked iban GB…5432]',
  );
  test.equal(redactText('ssn 536-22-1234, SSN: 536221234'), 'ssn [masked ssn], SSN: [masked ssn]');
  test.same(redactValue({ card: 4111111111111111, n: 42 }), {
    value: { card: '[masked card …1111]', n: 42 },
    masked: 1,
    kinds: { card: 1 },
  });
  for (const text of [
    '4111 1111 1111 1112',
    'DE88 3704 0044 0532 0130 00',
    '000-22-1234',
    '20261127 153000',
    'v4.1.1.1',
    '536-22-12345',
    '0.4111111111111111',
  ])
    test.equal(redactText(text), text, 'negative control');
});

t.test('GUARD-10 a value is masked by its name, unless it is a word, a placeholder or a reference', async (test) => {
  const value = bodyOf('alnum', 32);
  for (const text of [
    `API_KEY=${value}`,
    `"client_secret": "${value}"`,
    `Authorization: Bearer ${value}`,
    `x-api-key: ${value}`,
    `token => '${value}'`,
  ])
    test.notOk(redactText(text).includes(value.slice(0, 20)), text);
  test.equal(redactText('password: hunter2x!'), 'password: [masked password]');
  test.same(redactValue({ nested: [{ dbPassword: 'Tr0ub4dor&3' }] }).value, { nested: [{ dbPassword: '[masked password]' }] });
  for (const text of [
    'password: required',
    'password = os.environ["DB_PASSWORD"]',
    'token: ${{ secrets.GITHUB_TOKEN }}',
    'Your password: please choose one',
    'api_key: <your key here>',
    'the key: it is under the mat',
    `nextPageToken: ${value}`,
    `public_key=${value}`,
    'key: value',
    'compass: north3rn',
    '{"key":"photos/2026/11/img00123.jpg"}',
    'key: PROJECT-12345',
    'objectKey=backup-2026-11-27T15:30:00Z',
    'resumeToken: 82635f1a0000000129',
  ])
    test.equal(redactText(text), text, 'negative control');
});

t.test('e-mail addresses and telephone numbers are masked where asked for', async (test) => {
  const text = 'write to ada.l@example.org or call +49 30 901820 or (212) 555-0147';
  test.equal(redactText(text), text);
  test.equal(
    redactText(text, { emails: true, phones: true }),
    'write to [masked email a…] or call [masked phone …20] or [masked phone …47]',
  );
  test.equal(
    redactText('1000 of 2024-11-20, a@b, 10.0.0.1', { emails: true, phones: true }),
    '1000 of 2024-11-20, a@b, 10.0.0.1',
  );
});

t.test('GUARD-11 one-time codes and sign-in links are withheld where asked for', async (test) => {
  const codes = (text: string): string => redactText(text, { codes: true });
  const token = bodyOf('alnum', 32);
  const hidden: readonly string[] = [
    'Your verification code is 482913.',
    '482913 is your Example verification code',
    'G-482913 is your verification code',
    'Ihr Sicherheitscode lautet: 482 913',
    'Your one-time passcode:\n\n  48291357\n\nIt expires soon.',
    'Votre code de vérification : 482913',
    '验证码:482913',
    'Use code A7K2P9 to sign in',
  ];
  for (const text of hidden) test.match(codes(text), /\[withheld: one-time code\]/, text);
  for (const text of hidden) test.notMatch(codes(text), /482|A7K2P9/, text);
  test.equal(
    codes(`Reset: https://a.example/reset?token=${token} thanks`),
    'Reset: https://a.example/[withheld: sign-in link] thanks',
  );
  test.equal(
    codes(`To verify your address: https://t.example/ls/click?upn=${token}`),
    'To verify your address: https://t.example/[withheld: sign-in link]',
  );
  for (const text of [
    'postal code 10115 Berlin',
    'error code 50032 in the log',
    'The meeting is on 2026-11-27 at 15:30, room 4829',
    'Invoice 482913 of 2026',
    'https://example.org/login',
    'https://example.org/blog/2026/how-to-reset-a-router',
    'source code 123456 lines',
  ])
    test.equal(codes(text), text, 'negative control');
  test.equal(redactText('Your verification code is 482913.'), 'Your verification code is 482913.', 'only where asked for');
});

t.test('GUARD-6 nested objects, arrays, strings and keys; identifiers keep their digits', async (test) => {
  const key = `sk-${bodyOf('alnum', 40)}`;
  const { value, masked, kinds } = redactValue(
    { a: [{ b: [key, { [key]: `x ${key}` }] }], id: '4111111111111111' },
    { identifiers: ['id'] },
  );
  test.notMatch(JSON.stringify(value), key.slice(8, 30));
  test.equal(masked, 3);
  test.same(kinds, { key: 3 });
  test.equal((value as { id: string }).id, '4111111111111111');
  const proto = JSON.parse('{"__proto__":{"a":1}}') as Json;
  test.equal(JSON.stringify(redactValue(proto).value), '{"__proto__":{"a":1}}');
  const split = `sk-${bodyOf('alnum', 20)}\u200b${bodyOf('alnum', 20)}`;
  test.match(redactText(split), /^\[masked sk-…\w{4}\]$/, 'a hidden character in the middle does not save it');
  test.equal(redactValue([key], { except: ['key'] }).masked, 0);
});

t.test('GUARD-10 web addresses stay whole where asked for, but for what is a key by its form', async (test) => {
  const key = `sk-${bodyOf('alnum', 40)}`;
  const meeting = 'Join: https://meet.example/j/8123?pwd=aB3dE5fG7h';
  test.match(redactText(meeting), /pwd=\[masked password\]$/);
  test.equal(redactText(meeting, { links: true }), meeting);
  test.notOk(redactText(`https://a.example/?k=${key}`, { links: true }).includes(key));
  test.match(redactText('db: pwd=aB3dE5fG7h', { links: true }), /\[masked password\]/, 'only in addresses');
});

t.test('GUARD-6 a second pass changes nothing', async (test) => {
  const piece = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      'password: ',
      'token=',
      'your code is ',
      '4111 1111 1111 1111',
      JWT,
      'https://a.example/reset?token=',
      '://u:p4ssw0rd@h',
      ' ',
    ),
    fc.constantFrom(...PREFIXES).map(([prefix, alphabet, min]) => prefix + bodyOf(alphabet, min)),
  );
  const all = { codes: true, emails: true, phones: true };
  const property = fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    const once = redactText(pieces.join(''), all);
    test.equal(redactText(once, all), once, JSON.stringify(pieces));
  });
  fc.assert(property, { numRuns: 1000, seed: 3 });
});
