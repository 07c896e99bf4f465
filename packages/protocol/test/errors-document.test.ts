import { readFileSync } from 'node:fs';
import t from 'tap';
import { ERRORS } from '../src/errors.js';

const document = readFileSync(new URL('../../../../docs/spec/errors.md', import.meta.url), 'utf8');

/** Rows of the table: code, number, exit status, retry, meaning, hint. */
const rows = document
  .split('\n')
  .filter((line) => /^\| `[A-Z_]+` /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));

t.test('ERR-1: docs/spec/errors.md has one row for each code, with its numbers and its hint', async (t) => {
  t.same(
    rows.map(([code]) => code),
    Object.keys(ERRORS).map((code) => `\`${code}\``),
    'the same codes in the same order',
  );
  for (const [code, rpc, exit, retry, meaning, hint] of rows) {
    const row = ERRORS[code?.replaceAll('`', '') as keyof typeof ERRORS] as (typeof ERRORS)[keyof typeof ERRORS] | undefined;
    t.same([rpc, exit, retry, hint], [String(row?.rpc), String(row?.exit), row?.retry, row?.hint], code ?? 'no code');
    t.ok((meaning?.length ?? 0) > 10, `${code ?? ''} has a meaning`);
  }
});

t.test('no two codes share a JSON-RPC number', async (t) => {
  const numbers = Object.values(ERRORS).map(({ rpc }) => rpc);
  t.equal(new Set(numbers).size, numbers.length);
});
