/** The example of docs/spec/guard.md. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { neutraliseValue, redactValue } from '../src/index.js';

const page = readFileSync(new URL('../../../../docs/spec/guard.md', import.meta.url), 'utf8');

t.test('the example of the specification comes out as it stands there', async (test) => {
  const [given, expected] = [...page.matchAll(/```json\n(.*)\n```/g)].map(([, text]) => JSON.parse(text ?? '') as Json);
  test.same(neutraliseValue(redactValue(given ?? null, { codes: true }).value), expected);
});
