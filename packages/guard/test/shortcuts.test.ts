/** The quick ways find what the long ones find: GUARD-5 to GUARD-11, GUARD-13, GUARD-15, CELL-4. Nothing is left out by a first look. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { findSecrets } from '../src/index.js';
import { findCodesAndLinks } from '../src/codes.js';
import { eachWord, MAX_WORD } from '../src/injection/walk.js';
import { lookUp, plainWord, VOCABULARY, type Places } from '../src/injection/words.js';
import { newMask, newThoroughMask } from '../src/mask.js';
import { findAddresses } from '../src/secrets/addresses.js';
import { findAssigned } from '../src/secrets/assigned.js';
import { findEmails, findPhones } from '../src/secrets/contacts.js';
import { startsOf, withoutOverlaps, type Found } from '../src/secrets/found.js';
import { MIN_RUN, type Look } from '../src/secrets/look.js';
import { findNumbers } from '../src/secrets/numbers.js';
import { PREFIXES } from '../src/secrets/prefixes.js';
import { findTokens } from '../src/secrets/tokens.js';

const corpus = (name: string): string[] => {
  const items = JSON.parse(
    gunzipSync(readFileSync(new URL(`../../test/corpus/${name}.json.gz`, import.meta.url))).toString(),
  ) as { readonly text: string }[];
  return items.map(({ text }) => text);
};
const TEXTS = [...corpus('masking'), ...corpus('injection')];

/** Every place of the text and every run, whatever they hold. */
const wholeLook = (text: string): Look => ({
  text,
  seen: -1,
  runs: [...text.matchAll(/[A-Za-z0-9._~+/=-]+/g)].flatMap(({ 0: run, index }) => [index, index + run.length]),
  words: startsOf(text),
  signs: Array.from({ length: text.length }, (_, at) => at),
});

const findLong = (text: string): readonly Found[] => {
  const look = wholeLook(text);
  return withoutOverlaps([
    ...findTokens(text, look.words),
    ...findAddresses(look),
    ...findNumbers(text, look.words),
    ...findAssigned(look),
    ...findCodesAndLinks(look),
    ...findEmails(text),
    ...findPhones(text),
  ]);
};

/** Hidden characters are the business of both alike, and of no finder. */
const findShort = (text: string): readonly Found[] => findSecrets(text, { codes: true, emails: true, phones: true });
const isAscii = (text: string): boolean => /^[\t\n -~]*$/.test(text);

const isAlike = (text: string): boolean => JSON.stringify(findShort(text)) === JSON.stringify(findLong(text));

const PARTS = [
  ...[
    'a',
    'B',
    '7',
    ' ',
    '\n',
    '.',
    '-',
    '_',
    '/',
    '+',
    '=',
    ':',
    '>',
    ',',
    '"',
    "'",
    '@',
    '$',
    '!',
    '%3D',
    '%',
    '\\n',
    '\\',
    '~',
  ],
  ...['sk-', 'access_token$production$', 'https://', '://', 'u:p4ss@h.de', 'eyJ', 'A3-AB12CD-', '123456789:', '00D', '.atlasv1.'],
  ...[
    'password',
    'api_key',
    'token: ',
    'Bearer ',
    'bearer\t',
    'Authorization: ',
    'hooks.slack.com/services/',
    'maker.ifttt.com/trigger/',
  ],
  ...[
    '4111 1111 1111 1111',
    '4111111111111111',
    '536-22-1234',
    'SSN 536221234',
    'DE89370400440532013000',
    'de89 3704 0044 0532 0130 00',
  ],
  ...['your code ', 'G-482913', '482913', '482-913', 'A1B2C3', 'ABCD-12', 'code', 'PIN ', 'TAN', 'otpauth://totp/x?secret=ABC'],
  ...['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----', 'Private-Lines:', 'ada@example.org', '+49 30 1234567'],
  ...[
    'Xk3vB8nT4yPd6LsHf1Gj5Cc',
    'Q7w3Zr9XkM2vB8nT4yPd6LsHf1Gj5CcRaEuVo0Ni',
    '0123456789abcdef0123456789abcdef',
    'reset?token=a1b2c3d4',
  ],
];
const mixed = fc.array(fc.oneof(fc.constantFrom(...PARTS, ...PREFIXES.map(([prefix]) => prefix)), fc.string({ maxLength: 6 })), {
  maxLength: 14,
});

t.test('GUARD-7 to GUARD-11: what is found is what finders find that look at every place', async (test) => {
  for (const text of TEXTS.filter(isAscii)) if (!isAlike(text)) test.fail(text.slice(0, 400));
  const property = fc.property(mixed, (parts) => {
    const text = parts.join('');
    return text.length < 4 || !isAscii(text) || isAlike(text);
  });
  fc.assert(property, { numRuns: 4000, seed: 11 });
  const found = TEXTS.filter((text) => findLong(text).length > 0).length;
  test.ok(found > 1000, `negative control: in ${found} texts there is something to be left out`);
  const blind = TEXTS.filter((text) => findTokens(text, []).length !== findTokens(text, startsOf(text)).length);
  test.ok(blind.length > 300, 'negative control: a look that leaves out all places is found out');
});

t.test('GUARD-7 no token is shorter than the run the look asks for', async (test) => {
  for (const [prefix, , min] of PREFIXES) {
    const run = prefix.includes('$') ? min : prefix.length + min;
    test.ok(run >= MIN_RUN, prefix);
    test.match(prefix.replaceAll('$', ''), /^[A-Za-z0-9._~+/=-]+$/);
  }
});

const SECRETS = [
  'correct horse battery staple',
  'sk-Tr0ub4dor&3/ü+"\\wxyz',
  'aaaaaaaab',
  '😀 secret+one',
  '4711',
  '%2Fslash',
  '+++++++?',
];
const formsOf = (secret: string): string[] => [
  ...[secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('hex')],
  ...['', 'x', 'xy'].map((before) => Buffer.from(`${before}${secret}~`).toString('base64')),
  Array.from(Buffer.from(secret), (byte) => `%${byte.toString(16)}`).join(''),
  Array.from(secret, (char) => `&#${char.codePointAt(0)};`).join(''),
  Array.from(Buffer.from(secret), (byte) => byte.toString(16).toUpperCase()).join(':'),
];
/** A form cut at two places, in an order a reader might put together, or in none. */
const valueOf = (secret: string): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.constantFrom(...formsOf(secret)),
      fc.nat(40),
      fc.nat(40),
      fc.nat(6),
      fc.constantFrom('', 'x', 'c', '6', '%', '\u200b'),
    )
    .map(([form, a, b, shape, by]): Json => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const [one, two, three] = [form.slice(0, low), form.slice(low, high), form.slice(high)] as [string, string, string];
      const shapes: Json[] = [
        { a: one, b: two, c: three },
        [
          { p: one, n: 7, q: by },
          { p: two, n: 8, q: by },
          { p: three, n: 9, q: by },
        ],
        { [`1${one}`]: by, [two]: 3, [three]: by },
        { [one]: two, z: three },
        [`${by}${one}`, 5, `${two}${three}`, by],
        { text: `${by} ${form} ${by}`, cut: [one, by, two] },
        [by, one, by, { [by]: [two, null, true] }, three.slice(1)],
      ];
      return shapes[shape] ?? null;
    });

t.test('CELL-4, GUARD-13: what is masked is what is masked without the first look', async (test) => {
  let masked = 0;
  for (const secrets of [...SECRETS.map((secret) => [secret]), SECRETS]) {
    const [quick, long] = [newMask(secrets), newThoroughMask(secrets)];
    const property = fc.property(valueOf(secrets[0] ?? ''), (value) => {
      const expected = long(value);
      masked += expected.masked;
      return JSON.stringify(quick(value)) === JSON.stringify(expected);
    });
    fc.assert(property, { numRuns: 800, seed: 12 });
  }
  test.ok(masked > 1000, `negative control: ${masked} were there to be missed`);
});

const WORD = /[\p{L}\p{N}']+/gu;
const wordsOf = (text: string): [number, Places][] =>
  [...text.toLowerCase().matchAll(WORD)]
    .map(([word], at): [number, Places] => [at + 1, word.length > MAX_WORD ? [] : lookUp(plainWord(word))])
    .filter(([, places]) => places.length > 0);
const walked = (text: string): [number, Places][] => {
  const words: [number, Places][] = [];
  eachWord(text, (index, places) => words.push([index, places]));
  return words;
};

t.test('GUARD-15 the tree of letters says of each word what the tables say', async (test) => {
  for (const word of VOCABULARY)
    for (const text of [word, `${word}x`, `x${word}`, word.slice(0, -1), word.toUpperCase()]) {
      const given = isAscii(text) ? text : text.toLowerCase();
      if (JSON.stringify(walked(given)) !== JSON.stringify(wordsOf(text))) test.fail(text);
    }
  for (const text of TEXTS) {
    const given = isAscii(text) ? text : text.toLowerCase();
    if (JSON.stringify(walked(given)) !== JSON.stringify(wordsOf(given))) test.fail(text);
  }
  const part = fc.oneof(
    fc.constantFrom(...VOCABULARY, ' ', ', ', "'", '-', 'ö', 'о', '😀', '𝒳', '\u0301', '7'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  const property = fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
    const text = parts.join('').toLowerCase();
    return JSON.stringify(walked(text)) === JSON.stringify(wordsOf(text));
  });
  fc.assert(property, { numRuns: 2000, seed: 13 });
  test.ok(
    TEXTS.some((text) => walked(text).length > 3),
    'negative control: words are found',
  );
});
