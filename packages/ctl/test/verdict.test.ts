/** AUDIT-32: what is whole, damaged, unproven, and which damage is looked at twice. */
import type { VerifyResult } from '@airlock/audit';
import t from 'tap';
import { PutBack } from '../src/audit/put-back.js';
import { Removed } from '../src/audit/removed.js';
import { exitStatus, mayHaveShrunk, verdictOf, type Evidence } from '../src/audit/verdict.js';

const from = { size: 5, hash: '00'.repeat(32) };
const good: VerifyResult = { ok: true, records: 3, checkpoints: 1 };
const bad: VerifyResult = { ok: false, records: 3, checkpoints: 1, firstBad: { file: 'x', line: 1, problem: 'y' } };

const verdict = (more: Partial<Evidence>): ReturnType<typeof verdictOf> => {
  const traces = { removed: new Removed(), putBack: new PutBack() };
  return verdictOf({
    results: { gateway: good, totp: good },
    kept: [],
    useless: [],
    traces,
    configured: null,
    isLive: true,
    ...more,
  });
};

t.test('damage that a removed segment may explain is looked at once more, and no other', (t) => {
  t.equal(mayHaveShrunk({ gateway: good, totp: { ...bad, from } }), true);
  t.equal(mayHaveShrunk({ gateway: { ...good, from }, totp: bad }), false, 'of a log that begins with record 1');
  t.equal(mayHaveShrunk({ gateway: { ...good, from }, totp: good }), false);
  t.end();
});

t.test('AUDIT-32: the worst that was found is the answer', (t) => {
  const useless = [{ head: '--head x', why: 'w' }];
  const unsigned = { ...good, checkpoints: 0 };
  const hash = [{ name: '--head h', hash: 'ab'.repeat(32), heads: [] }];
  const answers: readonly (readonly [Partial<Evidence>, string])[] = [
    [{}, 'whole'],
    [{ useless }, 'unproven'],
    [{ useless, results: { gateway: good, totp: bad } }, 'damaged'],
    [{ results: { totp: unsigned }, isLive: false }, 'unproven'],
    [{ results: { gateway: good, totp: unsigned } }, 'whole'],
    [{ results: { gateway: { ...good, before: [{ name: '--head x', size: 2 }], from } } }, 'unproven'],
    [{ kept: hash }, 'damaged'],
    [{ kept: hash, results: { gateway: { ...good, from }, totp: good } }, 'unproven'],
    [{ kept: hash, results: { gateway: good, totp: { ...good, found: [{ size: 1, hash: 'ab'.repeat(32) }] } } }, 'whole'],
  ];
  for (const [evidence, status] of answers) t.match(verdict(evidence), { ok: status === 'whole', status });
  t.same([exitStatus({ ok: true }), exitStatus({ ok: false })], [0, 7]);
  t.end();
});
