/** UPSTREAM-7: what is told of stderr, and when. */
import t from 'tap';
import { LastWords, wholeLines } from '../src/last-words.js';

t.test('only whole lines are told, so that no secret is cut in two (UPSTREAM-7)', async (t) => {
  t.equal(wholeLines('a\nb\n', false), 'a\nb\n');
  t.equal(wholeLines('a\nhalf a sec', false), 'a\n');
  t.equal(wholeLines('ret\na\nb', true), 'a\n');
  t.equal(wholeLines('no line at all', true), '');
  t.equal(wholeLines('no line at all', false), '');
});

t.test('4 KiB are kept, and nothing is told twice', async (t) => {
  const told: string[] = [];
  const words = new LastWords((text) => void told.push(text));
  words.add('first\nsec');
  words.tell();
  words.tell();
  t.same(told, ['first\n']);
  words.add('ond\n');
  words.tell();
  t.same(told.at(-1), 'first\nsecond\n');
  words.add(`${'x'.repeat(4090)}\nlast\n`);
  words.tell();
  t.equal(told.at(-1), 'last\n', 'a line that was cut is left out');
  t.equal(words.text.length, 4096);
  new LastWords(undefined).tell();
});
