// A million generated calls against an independent, slow, obvious decision; and what holds for every rule set.
import t, { type Test } from 'tap';
import { compareRuleSets, compileRules, decideCall, type RuleSet } from '../src/index.js';
import { randomCall, randomFrom, randomPolicy, randomSet, referenceDecision } from './support.js';

const CALLS = 1_000_000;
const CALLS_A_SET = 500;
const stop = (t: Test, why: string): void => {
  t.fail(why);
  t.end();
};
const RANK = { deny: 0, approval: 1, allow: 2 } as const;

t.test('POLICY-1, POLICY-4, POLICY-5, POLICY-6, POLICY-7: 1,000,000 calls are decided as by the reference', (t) => {
  const random = randomFrom(20_260_101);
  const counts = { allow: 0, approval: 0, deny: 0 };
  let differing = 0;
  for (let n = 0; n < CALLS; n += CALLS_A_SET) {
    const set = randomSet(random);
    const rules = compileRules(set);
    for (let m = 0; m < CALLS_A_SET; m += 1) {
      const call = randomCall(random, rules);
      const [got, wanted] = [decideCall(call), referenceDecision(set, call)];
      counts[got.decision] += 1;
      if (got.decision === wanted.decision && got.maxRisk === wanted.maxRisk) continue;
      differing += 1;
      if (differing < 4) t.same(got, wanted, JSON.stringify({ set, ...call, rules: undefined }));
    }
  }
  t.equal(differing, 0);
  for (const count of Object.values(counts)) t.ok(count > CALLS / 50, JSON.stringify(counts));
  t.end();
});

t.test('negative control: an engine that forgot one kind of rule would be seen within a thousand calls', (t) => {
  const random = randomFrom(7);
  let differing = 0;
  for (let n = 0; n < 40; n += 1) {
    const set = randomSet(random);
    const forgetful = {
      ...set,
      policies: set.policies.map((one) => ({ ...one, rules: one.rules.filter(({ outsideWindows }) => outsideWindows !== true) })),
    };
    const rules = compileRules(forgetful);
    for (let m = 0; m < 25; m += 1) {
      const call = randomCall(random, rules);
      if (decideCall(call).decision !== referenceDecision(set, call).decision) differing += 1;
    }
  }
  t.ok(differing > 0);
  t.end();
});

const shuffled = <T>(random: (below: number) => number, values: readonly T[]): T[] =>
  values
    .map((value) => ({ value, at: random(1_000_000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);

t.test('POLICY-4: the order of rules, policies and attachments changes nothing, not even which rule is named', (t) => {
  const random = randomFrom(11);
  for (let n = 0; n < 400; n += 1) {
    const set = randomSet(random);
    const other: RuleSet = {
      permissions: set.permissions,
      policies: shuffled(random, set.policies).map((one) => ({ ...one, rules: shuffled(random, one.rules) })),
      attachments: Object.fromEntries(Object.entries(set.attachments).map(([role, ids]) => [role, shuffled(random, ids)])),
    };
    const [a, b] = [compileRules(set), compileRules(other)];
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, a);
      const [left, right] = [decideCall(call), decideCall({ ...call, rules: b })];
      if (JSON.stringify(left) !== JSON.stringify(right)) return stop(t, JSON.stringify({ left, right }));
    }
  }
  t.pass();
  t.end();
});

t.test('adding a deny never allows more', (t) => {
  const random = randomFrom(13);
  for (let n = 0; n < 400; n += 1) {
    const set = randomSet(random);
    const rules = [
      { id: 'extra', decision: 'deny' as const, ...(n % 2 === 0 ? { when: ['amount > 100'] } : { operations: ['list*'] }) },
    ];
    const extra = { ...randomPolicy(random, 99), status: 'active' as const, rules };
    const more: RuleSet = {
      ...set,
      policies: [...set.policies, extra],
      attachments: { ...set.attachments, '*': [...(set.attachments['*'] ?? []), 'p99'] },
    };
    const [a, b] = [compileRules(set), compileRules(more)];
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, a);
      if (RANK[decideCall({ ...call, rules: b }).decision] > RANK[decideCall(call).decision])
        return stop(t, JSON.stringify(call));
    }
  }
  t.pass();
  t.end();
});

t.test('POLICY-3: no call is allowed beyond lease ∩ policy ∩ configuration', (t) => {
  const random = randomFrom(17);
  const open = (set: RuleSet): RuleSet => ({ ...set, permissions: { default: 'read', allow: ['use', 'write'] } });
  for (let n = 0; n < 400; n += 1) {
    const set = randomSet(random);
    const [rules, none] = [compileRules(set), compileRules({ ...open(set), policies: [] })];
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, rules);
      const { decision } = decideCall(call);
      const byLease = decideCall({ ...call, rules: none, tainted: false }).decision !== 'deny';
      const byConfiguration = call.operation.class === 'read' || set.permissions.allow.includes(call.operation.class);
      if (decision !== 'deny' && !(byLease && byConfiguration)) return stop(t, JSON.stringify(call));
      if (decision === 'allow' && call.operation.class === 'write' && set.policies.length === 0)
        return stop(t, 'a write without a rule');
    }
  }
  t.pass();
  t.end();
});

/** A set near the given one: something is added, taken away or changed. */
const near = (random: (below: number) => number, set: RuleSet): RuleSet => {
  const policies = set.policies.map((one) => {
    const rules = one.rules.filter(() => random(100) < 85);
    const added =
      random(100) < 20 ? [{ id: 'new', decision: (['deny', 'approval', 'allow'] as const)[random(3)] ?? 'deny' }] : [];
    return { ...one, rules: [...rules, ...added], ...(random(100) < 5 ? { status: 'disabled' as const } : {}) };
  });
  return { ...set, policies, ...(random(100) < 20 ? { permissions: { default: 'read', allow: [] } } : {}) };
};

t.test('COMPARE-1: where a set is said to be no wider, no call is decided more freely', (t) => {
  const random = randomFrom(19);
  const said = { wider: 0, narrower: 0 };
  for (let n = 0; n < 3000; n += 1) {
    const set = randomSet(random);
    const other = random(10) === 0 ? randomSet(random) : near(random, set);
    const { wider } = compareRuleSets(set, other);
    said[wider ? 'wider' : 'narrower'] += 1;
    if (wider) continue;
    const [a, b] = [compileRules(set), compileRules(other)];
    for (let m = 0; m < 60; m += 1) {
      const call = randomCall(random, a);
      const [before, after] = [decideCall(call), decideCall({ ...call, rules: b })];
      const isWider = RANK[after.decision] > RANK[before.decision] || (after.maxRisk ?? 1) > (before.maxRisk ?? 1);
      if (isWider && after.decision !== 'deny') return stop(t, JSON.stringify({ set, other, call, before, after }));
    }
  }
  t.ok(said.narrower > 300 && said.wider > 300, JSON.stringify(said));
  t.same(compareRuleSets(randomSet(randomFrom(1)), randomSet(randomFrom(1))), { wider: false, changes: [] }, 'itself');
  t.end();
});
