/** AUDIT-32: what is whole, damaged, unproven, and which damage is looked at twice. */
import type { VerifyResult } from '@airlock/audit';
import t from 'tap';
import { BegunAnewLogs } from '../src/audit/begun-anew.js';
import { PutBack } from '../src/audit/put-back.js';
import { mayHaveShrunk } from '../src/audit/read-twice.js';
import { Removed } from '../src/audit/removed.js';
import { exitStatus, verdictOf, verdictText, type Evidence } from '../src/audit/verdict.js';

const from = { size: 5, hash: '00'.repeat(32) };
const good: VerifyResult = { ok: true, records: 3, checkpoints: 1 };
const bad: VerifyResult = { ok: false, records: 3, checkpoints: 1, firstBad: { file: 'x', line: 1, problem: 'y' } };

const verdict = (more: Partial<Evidence>): ReturnType<typeof verdictOf> => {
  const traces = { begun: new BegunAnewLogs(), removed: new Removed(), putBack: new PutBack() };
  return verdictOf({
    results: { gateway: good, totp: good },
    kept: [],
    useless: [],
    foreign: {},
    traces,
    configured: null,
    isLive: true,
    areKeysGiven: false,
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

t.test('AUDIT-32: of a log that is bad nothing is told that contradicts it', (t) => {
  const before = [{ name: '--head x', size: 2 }];
  const lost = { ...bad, checkpoints: 0, from, before };
  const isLive = false;
  const found = verdict({ results: { gateway: lost, totp: good }, isLive });
  t.match(found, { status: 'damaged', firstBad: { log: 'gateway' }, unproven: undefined, unsigned: undefined, from: undefined });
  t.notMatch(verdictText(found), /no signed head|because of its age|proves nothing/);
  const both = verdict({ results: { gateway: lost, totp: { ...good, checkpoints: 0 } }, isLive });
  t.match(both, { unsigned: ['totp'], unproven: [{ log: 'totp' }] }, 'of the other one it is');
  const kept = [{ name: '--head h', hash: 'ab'.repeat(32), heads: [] }];
  const missing = verdict({ results: { totp: { ...good, checkpoints: 0 } }, kept, isLive });
  t.match(missing, { status: 'damaged', firstBad: { log: 'totp', file: '--head h' }, unproven: undefined }, 'a hash alone');
  const late = verdict({ results: { gateway: bad, totp: { ...good, from } }, kept, isLive });
  t.match(late, { status: 'damaged', unproven: undefined, from: { totp: 6 } }, 'behind the damage nothing was read');
  t.end();
});
