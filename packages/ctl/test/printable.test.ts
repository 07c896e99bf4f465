/** What an agent wrote, on the operator's terminal. */
import t from 'tap';
import { printable, printableValue } from '../src/printable.js';

t.test('PRINT-1: no control, format or blank character reaches the terminal', (t) => {
  t.equal(printable('\u001b[2Jx\u009b1A'), '\\u{1B}[2Jx\\u{9B}1A');
  t.equal(printable('a\u202eb\u200bc\u{e0041}d'), 'a\\u{202E}b\\u{200B}c\\u{E0041}d');
  t.equal(printable('line\nmatch 07\r'), 'line\\u{A}match 07\\u{D}');
  t.equal(printable('Grüße aus 東京'), 'Grüße aus 東京', 'what is printable stays');
  t.end();
});

t.test('PRINT-2: a value cannot imitate another field', (t) => {
  t.equal(printableValue('mail:read'), 'mail:read');
  t.equal(printableValue('x result=ok role=operator'), '"x result=ok role=operator"');
  t.equal(printableValue('a"b\u001b'), '"a\\"b\\u001b"');
  t.equal(printableValue(''), '""');
  t.equal(printableValue(3), '3');
  t.equal(printableValue({ reason: 'a\u202eb' }), '{"reason":"a\\u{202E}b"}');
  t.equal(printableValue(undefined), '');
  t.end();
});
