import t from 'tap';
import fc from 'fast-check';
import { FrameError } from '../src/frame-error.js';
import { parseJsonStrict } from '../src/json.js';
import { BAD_TEXTS, GOOD_TEXTS } from './json-vectors.js';

const refusalOf = (bytes: Uint8Array): FrameError | null => {
  try {
    parseJsonStrict(bytes);
    return null;
  } catch (thrown) {
    if (thrown instanceof FrameError) return thrown;
    throw thrown;
  }
};

t.test('WIRE-3, WIRE-4, WIRE-5, WIRE-6, WIRE-7: every bad text is refused, by name', async (t) => {
  t.ok(BAD_TEXTS.length >= 60, `${BAD_TEXTS.length} bad texts`);
  for (const { name, bytes, found, fatal } of BAD_TEXTS) {
    const refusal = refusalOf(bytes);
    t.equal(refusal?.code, 'FRAME_INVALID', name);
    t.match(refusal?.data.found, found, `${name}: names what was found`);
    t.equal(refusal?.fatal, fatal, `${name}: fatal is ${fatal}`);
  }
});

t.test('negative control: JSON.parse alone takes what is refused without being fatal', async (t) => {
  for (const { name, bytes } of BAD_TEXTS.filter(({ fatal }) => !fatal))
    t.doesNotThrow(() => void JSON.parse(bytes.toString()), name);
});

t.test('every good text has the value JSON.parse gives it', async (t) => {
  for (const text of GOOD_TEXTS) t.same(parseJsonStrict(Buffer.from(text)), JSON.parse(text), text.slice(0, 60));
});

t.test('a syntax error never quotes the text, which may hold a secret', async (t) => {
  for (const text of ['{"code":123456,}', '{"password":"hunter2"', 'hunter2', '{"a":"hunter2\u0001"}', '{"a":1} hunter2']) {
    const refusal = refusalOf(Buffer.from(text));
    t.notMatch(JSON.stringify([refusal?.message, refusal?.data]), /hunter2|123456/, text);
  }
});

t.test('a text with a duplicate key planted anywhere is refused; without it, taken', async (t) => {
  const bag = fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.jsonValue({ maxDepth: 4 }),
    { minKeys: 1, maxKeys: 6 },
  );
  fc.assert(
    fc.property(bag, fc.nat(), fc.boolean(), (members, pick, escaped) => {
      const keys = Object.keys(members);
      const key = keys[pick % keys.length] ?? '';
      const fits = JSON.stringify(members);
      if (hasPrototypeKey(members)) return;
      t.strictSame(parseJsonStrict(Buffer.from(fits)), JSON.parse(fits));
      const spelled = escaped
        ? `"${[...Buffer.from(key, 'utf16le').swap16().toString('hex').matchAll(/..../g)].map((unit) => `\\u${unit[0]}`).join('')}"`
        : JSON.stringify(key);
      const doubled = `${fits.slice(0, -1)},${spelled}:0}`;
      if (refusalOf(Buffer.from(doubled)) === null) throw new Error(`taken: ${doubled}`);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

t.test('WIRE-4 a key that stands twice is refused wherever blanks and colons stand', async (t) => {
  const member = fc.tuple(
    fc.constantFrom('a', 'b', ':', ' a', 'a:'),
    fc.constantFrom('', '', '', ' ', '\t', '\n'),
    fc.constantFrom('1', '":"', '":a"', '"a"', '" :"', '"\\\\"', '[]', '{"a":1}', '[{"a":{"a":":"}}]'),
  );
  let [twice, once] = [0, 0];
  const property = fc.property(fc.array(member, { minLength: 1, maxLength: 4 }), (members) => {
    const text = `{${members.map(([key, blank, value]) => `"${key}"${blank}:${value}`).join(',')}}`;
    const isTwice = new Set(members.map(([key]) => key)).size < members.length;
    if (isTwice) twice += 1;
    else once += 1;
    return (refusalOf(Buffer.from(text)) !== null) === isTwice;
  });
  fc.assert(property, { numRuns: 5000, seed: 4 });
  t.ok(twice > 1000 && once > 1000, 'negative control: both were tried');
});

const hasPrototypeKey = (value: unknown): boolean => JSON.stringify(value).includes('__proto__');

t.test('20,000 mutations: each is parsed as JSON.parse does, or refused as a frame', async (t) => {
  let state = 12345;
  const random = (below: number): number => {
    // Numerical Recipes LCG: the same run every time.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const seeds = [
    ...GOOD_TEXTS.filter((text) => text.length < 2000).map((text) => Buffer.from(text)),
    ...BAD_TEXTS.filter(({ bytes }) => bytes.length < 2000).map(({ bytes }) => bytes),
  ];
  let taken = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const bytes = Buffer.from(seeds[random(seeds.length)] ?? Buffer.alloc(1));
    for (let edits = 1 + random(3); edits > 0 && bytes.length > 0; edits -= 1)
      bytes[random(bytes.length)] = random(8) === 0 ? random(256) : 0x20 + random(95);
    if (refusalOf(bytes) !== null) continue;
    taken += 1;
    if (JSON.stringify(parseJsonStrict(bytes)) !== JSON.stringify(JSON.parse(bytes.toString())))
      t.fail(`another value: ${bytes.toString('hex')}`);
  }
  t.ok(taken > 1000 && taken < 19_500, `${taken} of 20,000 are still JSON`);
});
