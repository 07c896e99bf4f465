// The edges of what policy reads and keeps: lists that are none, places in a text, counters that grow old, operations without end.
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { compileRules, decideCall, parsePolicyText, RateCounters, type CallQuestion, type RuleSet } from '../src/index.js';
import { positionOf } from '../src/positions.js';

const PLAIN = { id: 'infra', name: 'Infra', description: 'No changes', status: 'active', blocked_commands: [] };
const RULE = { id: 'r', decision: 'deny' };

const messageOf = (file: object): string => {
  try {
    parsePolicyText(JSON.stringify(file), 'p.json');
    return 'taken';
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.message : String(thrown);
  }
};

t.test('lists that are none are named', async (t) => {
  t.equal(messageOf({ ...PLAIN, rules: [RULE] }), 'taken', 'negative control');
  for (const windows of [[], {}, 'always', null])
    t.match(messageOf({ ...PLAIN, rules: [{ ...RULE, windows }] }), 'a list of 1 to 32 windows');
  for (const rules of [{}, 'none', 7]) t.match(messageOf({ ...PLAIN, rules }), /rules: .*a list of at most [0-9]+ rules/);
});

t.test('a place that a text does not have is that of what is around it', async (t) => {
  const text = '{\n "rules": [\n  {"id": 1}]}';
  t.same(positionOf(text, 'rules.0.id'), { line: 3, column: 4 });
  t.same(positionOf(text, 'rules.0.decision'), positionOf(text, 'rules.0'));
  t.same(positionOf(text, 'rules.7.id'), positionOf(text, 'rules'));
  t.same(positionOf(text, 'nothing'), { line: 1, column: 1 });
  t.same(positionOf('"a text alone"', 'rules'), { line: 1, column: 1 });
});

t.test('RATES-2: what is older than its period is forgotten, asked for or not', async (t) => {
  const clock = { nowMs: 1_000_000, bootMs: () => clock.nowMs };
  const counters = new RateCounters(clock);
  const keys = [{ key: 'a', perS: 60 }];
  counters.add(keys);
  t.equal(counters.count('a', 60), 1);
  clock.nowMs += 130_000;
  counters.add(keys);
  t.equal(counters.count('a', 60), 1, 'the first is gone by the second');
  clock.nowMs += 130_000;
  t.equal(counters.count('a', 60), 0, 'and that by being asked for');
});

const SET: RuleSet = {
  permissions: { default: 'read', allow: [] },
  policies: [{ ...PLAIN, status: 'active', rules: [{ id: 'r', decision: 'deny', operations: ['secret_*'] }] }],
  attachments: { '*': ['infra'] },
};

t.test('operations without end are decided as the first ones were', async (t) => {
  const rules = compileRules(SET);
  const decide = (name: string): string => {
    const operation: CallQuestion['operation'] = { name, class: 'read', outward: false, untrusted: false };
    const scopes: CallQuestion['scopes'] = [[{ service: 's', class: 'read', operation: null }]];
    const facts = { service: 's', role: 'default', client: 'c', params: {}, nowMs: 0, rateCount: () => 0, tainted: false };
    return decideCall({ rules, operation, scopes, ...facts }).decision;
  };
  t.equal(decide('secret_0'), 'deny');
  t.equal(decide('plain_0'), 'allow');
  for (let n = 0; n < 9000; n += 1) if (decide(`plain_${n}`) !== 'allow') t.fail(`plain_${n}`);
  t.equal(decide('secret_0'), 'deny');
  t.equal(decide('plain_0'), 'allow');
});

t.test('a condition that is none does not become a rule that always holds', async (t) => {
  const policies = SET.policies.map((policy) => ({
    ...policy,
    rules: [{ ...RULE, decision: 'deny' as const, when: ['no such'] }],
  }));
  t.throws(() => compileRules({ ...SET, policies }), TypeError);
});
