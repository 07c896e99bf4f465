/** Cutting and making visible. */
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { cutResult, estimateTokens, neutraliseText, neutraliseValue } from '../src/index.js';

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
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

t.test('GUARD-12 every hidden character of the ranges becomes visible, and no other one of all code points', async (test) => {
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

t.test(
  'GUARD-12 joiners stay where they are spelling, variation selectors where they are single; keys are looked at too',
  async (test) => {
    const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
    for (const text of [family, '\u2764\ufe0f', '\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', 'a\tb\nc'])
      test.equal(neutraliseText(text), text);
    test.equal(neutraliseText('a\u200db'), 'a\\u{200D}b');
    test.equal(neutraliseText('x\ufe00\ufe01'), 'x\\u{FE00}\\u{FE01}');
    test.equal(neutraliseText('a\r\nb\rc'), 'a\nb\\u{000D}c');
    test.same(neutraliseValue([{ 'k\u202e': 'v\u0000' }, null, 3]), [{ 'k\\u{202E}': 'v\\u{0000}' }, null, 3]);
  },
);

t.test('GUARD-14 a cut ends with a word or a whole character; characters and tokens can be the measure', async (test) => {
  const words = 'several words of a long sentence '.repeat(50);
  const { value } = cutResult({ words }, { maxChars: 300 });
  test.match(value, { words: /(several|words|of|a|long|sentence)…\[cut\]$/ });
  test.ok(JSON.stringify(value).length <= 300);
  const byTokens = cutResult({ words }, { maxTokens: 100 });
  test.ok(byTokens.truncated && estimateTokens(JSON.stringify(byTokens.value)) <= 100);
  const marked = cutResult('e\u0301'.repeat(500), { maxChars: 201 }).value as string;
  test.match(marked, /^(e\u0301)+…\[cut\]$/, 'no accent is cut off');
  test.same(cutResult({ words }, {}), { value: { words }, truncated: false });
  test.ok(estimateTokens('hello world, 12345') >= 4 && estimateTokens('') === 0);
});
