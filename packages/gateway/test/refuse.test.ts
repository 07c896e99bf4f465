/** What becomes of a defect. */
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { refused } from '../src/agent/refuse.js';
import type { House } from '../src/house.js';

t.test('a defect is INTERNAL to the agent; the journal gets its class and place, and neither gets its text', async (t) => {
  const [logs, records]: [string[], unknown[]] = [[], []];
  const house = {
    options: { log: (line: string) => void logs.push(line) },
    journal: { refused: (role: string, code: string) => records.push([role, code]) },
    watch: { ended: (_: object, error: AirlockError) => error },
  } as unknown as House;
  const of = (thrown: unknown): AirlockError =>
    refused(house, { role: 'default', operator: 'default' }, thrown, { method: 'call', session: 's' });
  const error = of(new TypeError('cannot read SECRET of undefined'));
  t.match(error, { code: 'INTERNAL', data: { audit: 1 } });
  t.match(logs, [/^internal error: TypeError at .*refuse\.test\.js/]);
  of('SECRET');
  t.equal(logs[1], 'internal error: string');
  of(new AirlockError('NOT_FOUND', 'nothing of this id'));
  t.equal(logs.length, 2, 'negative control: a refusal is no defect');
  t.notMatch(JSON.stringify([logs, error.message, error.data]), /SECRET/);
  t.same(records, [
    ['default', 'INTERNAL'],
    ['default', 'INTERNAL'],
    ['default', 'NOT_FOUND'],
  ]);
});
