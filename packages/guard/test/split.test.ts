/** GUARD-13: a credential in pieces. */
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { maskValues } from '../src/index.js';

const SECRET = 'correct-horse/battery+staple';
const HALF = [SECRET.slice(0, 11), SECRET.slice(11)] as const;

const isClean = (value: Json, secret = SECRET): boolean => {
  const text = JSON.stringify(maskValues(value, [secret]).value);
  return !HALF.some((half) => text.includes(half));
};

t.test('GUARD-13 pieces over values, keys, lists and columns are masked', async (test) => {
  const [first, second] = HALF;
  const values: Record<string, Json> = {
    values: { a: first, b: second },
    'with numbers between': [
      { n: 1, part: first },
      { n: 2, part: second },
    ],
    'with words between': [
      { part: first, note: 'x' },
      { part: second, note: 'y' },
    ],
    keys: { [first]: { [second]: 1 } },
    'key and value': { [first]: second },
    nested: { a: [[{ x: first }]], b: { c: [second] } },
    'at the ends of longer texts': [`the first half is ${first}`, `${second} is the rest`],
  };
  for (const [name, value] of Object.entries(values)) {
    test.ok(isClean(value), name);
    test.ok(maskValues(value, [SECRET]).masked > 0, name);
  }
  test.notMatch(JSON.stringify(maskValues(Array.from(SECRET), [SECRET]).value), /"c","o","r"/, 'one character each');
});

t.test('GUARD-13 pieces of an encoded form', async (test) => {
  for (const form of [Buffer.from(SECRET).toString('base64'), Buffer.from(SECRET).toString('hex'), encodeURIComponent(SECRET)]) {
    const value = { a: form.slice(0, 15), b: form.slice(15) };
    test.notOk(JSON.stringify(maskValues(value, [SECRET]).value).includes(form.slice(0, 15)), form);
  }
});

t.test('GUARD-13 holds for any cut', async (test) => {
  const property = fc.property(
    fc.integer({ min: 1, max: SECRET.length - 1 }),
    fc.integer({ min: 1, max: SECRET.length - 1 }),
    (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const value = [SECRET.slice(0, low), SECRET.slice(low, high), SECRET.slice(high)];
      const masked = maskValues({ list: value }, [SECRET]).value as { list: string[] };
      return !masked.list.some((piece, index) => piece !== '' && piece === value[index]);
    },
  );
  fc.assert(property, { numRuns: 300, seed: 5 });
  test.pass();
});

t.test('GUARD-13 a hidden character in the middle does not save it', async (test) => {
  test.equal(maskValues(`${HALF[0]}\u200b${HALF[1]}`, [SECRET]).value, '[masked …aple]');
});

t.test('negative control: other words, and short secrets, stay', async (test) => {
  const value = { a: 'correct', b: 'horse' };
  test.same(maskValues(value, [SECRET]), { value, masked: 0 });
  test.same(maskValues(['ab', 'cd'], ['abcd']), { value: ['ab', 'cd'], masked: 0 });
  const big = Array.from({ length: 20_000 }, (_, n) => ({ id: n, text: `item ${n}` }));
  test.same(maskValues(big, [SECRET]).masked, 0);
});
