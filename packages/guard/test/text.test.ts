/** Cutting and making visible. */
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { cutResult, neutraliseText } from '../src/index.js';

const bytesOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

t.test('what fits is not touched', async (test) => {
  const value = { a: 'x'.repeat(100) };
  test.same(cutResult(value, bytesOf(value)), { value, truncated: false });
});

t.test('the longest string is cut, marked, at a code point; the rest stays', async (test) => {
  const { value, truncated } = cutResult({ subject: 'kept', body: '😀'.repeat(2000) }, 1000);
  const { subject, body } = value as { subject: string; body: string };
  test.ok(truncated && subject === 'kept' && body.isWellFormed());
  test.match(body, /^(😀)+…\[cut\]$/u);
  test.ok(bytesOf(value) <= 1000 && bytesOf(value) > 980, 'no more than needed');
});

t.test('many short strings lose items from the end; the hopeless becomes null', async (test) => {
  const { value } = cutResult({ list: Array.from({ length: 1000 }, (_, n) => `item ${n}`) }, 500);
  test.equal((value as { list: string[] }).list[0], 'item 0');
  test.ok(bytesOf(value) <= 500);
  const members = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key${n}`, n]));
  test.same(cutResult(members, 50), { value: null, truncated: true });
});

t.test('any JSON fits after it', async (test) => {
  const property = fc.property(
    fc.jsonValue(),
    fc.integer({ min: 4, max: 400 }),
    (value, max) => bytesOf(cutResult(value as Json, max).value) <= max,
  );
  fc.assert(property, { numRuns: 2000, seed: 11 });
  test.pass();
});

const RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x2064],
  [0x2066, 0x2069],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe007f],
];

t.test('every hidden character of the ranges becomes visible, and no other one of all code points', async (test) => {
  let wrong = 0;
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const hidden = RANGES.some(([first, last]) => code >= first && code <= last);
    const char = String.fromCodePoint(code);
    const expected = hidden ? `a\\u{${code.toString(16).toUpperCase().padStart(4, '0')}}b` : `a${char}b`;
    if (neutraliseText(`a${char}b`) !== expected) wrong += 1;
  }
  test.equal(wrong, 0);
});
