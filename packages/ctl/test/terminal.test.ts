import t from 'tap';
import { LineReader } from '../src/terminal/terminal.js';
import { printableLines } from '../src/output.js';
import { qr } from '../src/terminal/qr.js';

t.test('lines go one to each caller, in order, whatever the chunks', async (t) => {
  for (const chunks of [['one\ntwo\nthree'], ['o', 'ne\r', '\ntw', 'o\nthree'], ['one\n', 'two\n', 'three\n']]) {
    const reader = new LineReader();
    const first = reader.next();
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    t.same(
      [await first, await reader.next(), await reader.next(), await reader.next()],
      ['one', 'two', 'three', null],
      JSON.stringify(chunks),
    );
  }
});

t.test('a caller that gave up takes no line away from the next', async (t) => {
  const reader = new LineReader();
  const stop = new AbortController();
  const abandoned = reader.next(stop.signal);
  stop.abort();
  t.equal(await abandoned, null);
  reader.push('kept\n');
  t.equal(await reader.next(), 'kept');
});

t.test('an endless line ends the input instead of filling memory', async (t) => {
  const reader = new LineReader();
  const waiting = reader.next();
  for (let sent = 0; sent < 300_000; sent += 1000) reader.push('x'.repeat(1000));
  t.equal(await waiting, null);
});

t.test('a QR code is a block of equal lines, quiet zone light', async (t) => {
  const lines = qr('otpauth://totp/Airlock:ada?secret=JBSWY3DPEHPK3PXP&issuer=Airlock').split('\n');
  t.equal(new Set(lines.map((line) => line.length)).size, 1);
  t.match(lines[0] ?? '', /^█+$/);
});

t.test('what others wrote cannot drive the terminal', async (t) => {
  t.equal(
    printableLines('a\u001b[2Jb\u202ec\u200bd\u00a0e\u{e0041}f\rg\th'),
    'a\\u{1B}[2Jb\\u{202E}c\\u{200B}d\\u{A0}e\\u{E0041}f\\u{D}g\\u{9}h',
  );
  const kept = 'Grüße, 漢字, emoji 🙂, "quoted" \\ and\nlines';
  t.equal(printableLines(kept), kept);
});
