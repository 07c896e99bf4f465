// What holds for every rule set and every call.
import t, { type Test } from 'tap';
import { compileRules, decideCall, type CallQuestion, type Policy, type PolicyRule, type RuleSet } from '../src/index.js';
import { SERVICES, randomCall, randomFrom, randomPolicy, randomRule, randomSet, without } from './support.js';

const RANK = { deny: 0, approval: 1, allow: 2 } as const;
const stop = (t: Test, why: string): void => {
  t.fail(why);
  t.end();
};

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

/** How many generated calls get more, and how many less, by one rule of this verdict more. */
const byOneRuleMore = (decision: PolicyRule['decision']): { readonly more: number; readonly less: number } => {
  const random = randomFrom(13);
  const found = { more: 0, less: 0 };
  for (let n = 0; n < 400; n += 1) {
    const set = randomSet(random);
    const rule = without(randomRule(random, 99), ...(decision === 'allow' ? (['rate'] as const) : []));
    const extra: Policy = {
      ...randomPolicy(random, 99),
      status: 'active',
      requireIdentity: false,
      rules: [{ ...rule, decision }],
    };
    const attachments = { ...set.attachments, '*': [...(set.attachments['*'] ?? []), 'p99'] };
    const [a, b] = [compileRules(set), compileRules({ ...set, policies: [...set.policies, extra], attachments })];
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, a);
      const [before, after] = [decideCall(call), decideCall({ ...call, rules: b })];
      if (RANK[after.decision] > RANK[before.decision] || (after.maxRisk ?? 1) > (before.maxRisk ?? 1)) found.more += 1;
      if (RANK[after.decision] < RANK[before.decision]) found.less += 1;
    }
  }
  return found;
};

t.test('adding a deny never allows more', (t) => {
  const byDeny = byOneRuleMore('deny');
  t.equal(byDeny.more, 0);
  t.ok(byDeny.less > 500, `it takes away: ${byDeny.less}`);
  t.equal(byOneRuleMore('approval').more, 0, 'nor does an approval');
  t.ok(byOneRuleMore('allow').more > 20, 'negative control: an allow does');
  t.end();
});

/** The call, with one of the three that limit it alone: the lease, the configuration, the policies. */
const alone = (set: RuleSet, call: CallQuestion): Readonly<Record<'lease' | 'configuration' | 'policy', CallQuestion>> => {
  const open = { default: 'read', allow: ['use', 'write'] } as const;
  const free: RuleSet['policies'] = [
    {
      ...{ id: 'free', name: 'Free', description: 'every write', status: 'active', blocked_commands: [] },
      rules: [{ id: 'all', decision: 'allow', services: SERVICES }],
    },
  ];
  const all = [(['read', 'use', 'write'] as const).map((one) => ({ service: call.service, class: one, operation: null }))];
  const attachments = { '*': ['free'] };
  return {
    lease: { ...call, tainted: false, rules: compileRules({ permissions: open, policies: free, attachments }) },
    configuration: {
      ...{ ...call, tainted: false, scopes: all },
      rules: compileRules({ permissions: set.permissions, policies: free, attachments }),
    },
    policy: { ...call, scopes: all, rules: compileRules({ ...set, permissions: open }) },
  };
};

t.test('POLICY-3: a call never gets more than lease ∩ policy ∩ configuration, and exactly that', (t) => {
  const random = randomFrom(17);
  const least = { lease: 0, configuration: 0, policy: 0 };
  for (let n = 0; n < 200; n += 1) {
    const set = randomSet(random);
    const rules = compileRules(set);
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, rules);
      const whole = RANK[decideCall(call).decision];
      const parts = Object.entries(alone(set, call)).map(([name, one]) => [name, RANK[decideCall(one).decision]] as const);
      if (whole !== Math.min(...parts.map(([, rank]) => rank))) return stop(t, JSON.stringify({ set, call, parts }));
      for (const [name, rank] of parts)
        if (parts.every(([other, its]) => other === name || its > rank)) least[name as 'lease'] += 1;
    }
  }
  for (const count of Object.values(least)) t.ok(count > 100, `each decides some alone: ${JSON.stringify(least)}`);
  t.end();
});

t.test('a narrowed lease never gets more, and arguments that are not known never help', (t) => {
  const random = randomFrom(23);
  for (let n = 0; n < 400; n += 1) {
    const rules = compileRules(randomSet(random));
    for (let m = 0; m < 50; m += 1) {
      const call = randomCall(random, rules);
      const { decision } = decideCall(call);
      const narrowed = { ...call, scopes: [...call.scopes, randomCall(random, rules).scopes[0] ?? []] };
      if (call.scopes.length > 0 && RANK[decideCall(narrowed).decision] > RANK[decision])
        return stop(t, JSON.stringify(narrowed));
      if (RANK[decideCall({ ...call, params: null }).decision] > RANK[decision]) return stop(t, JSON.stringify(call));
    }
  }
  t.pass();
  t.end();
});
