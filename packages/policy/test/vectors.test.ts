// The tables of docs/spec/policy.md, row by row.
import type { Params } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compileCondition } from '../src/condition.js';
import { matchCommand } from '../src/index.js';

const spec = readFileSync(fileURLToPath(new URL('../../../../docs/spec/policy.md', import.meta.url)), 'utf8');

/** Rows of the table below a heading: the text of the two code spans, and yes or no. */
const rowsBelow = (heading: string): { readonly first: string; readonly second: string; readonly holds: boolean }[] => {
  const [, rest = ''] = spec.split(`### ${heading} (test vector)\n`);
  const [section = ''] = rest.split('\n#');
  return [...section.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| (yes|no) \|$/gm)].map(([, first = '', second = '', holds]) => ({
    first,
    second,
    holds: holds === 'yes',
  }));
};

t.test('CONDITION-1, CONDITION-2, CONDITION-3: conditions hold as the table says', (t) => {
  const rows = rowsBelow('Conditions');
  t.equal(rows.length, 12);
  for (const { first, second, holds } of rows)
    t.equal(compileCondition(first)?.(JSON.parse(second) as Params), holds, `${first} of ${second}`);
  t.end();
});

t.test('COMMAND-1, COMMAND-2, COMMAND-3: commands are blocked as the table says', (t) => {
  const rows = rowsBelow('Commands');
  t.equal(rows.length, 10);
  for (const { first, second, holds } of rows) t.equal(matchCommand([first], second.split(' ')) !== null, holds, second);
  t.end();
});
