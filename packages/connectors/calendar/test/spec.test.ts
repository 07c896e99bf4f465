/** The literal example of docs/spec/calendar.md is what the connector does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openText, run } from './context.js';

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/calendar.md'), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(spec)?.[1] ?? '';

t.test('the example of the specification', async (t) => {
  const session = await openText(t, block('ics').replaceAll('\n', '\r\n'));
  t.same(await run(session, 'range', { from: '2025-03-28', to: '2025-03-31' }), JSON.parse(block('json')));
});

const textsIn = (directory: string): string =>
  readdirSync(join(import.meta.dirname, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, directory, name), 'utf8'))
    .join('\n');

t.test('every MUST of the specification is quoted by a test', async (t) => {
  const numbers = [...spec.matchAll(/\*\*(CAL-[0-9]+)\*\*/g)].map(([, number]) => String(number));
  t.equal(new Set(numbers).size, 27);
  const tests = textsIn('../../test');
  for (const number of numbers) t.match(tests, new RegExp(`${number}(?![0-9])`), number);
});
