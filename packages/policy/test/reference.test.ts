// A million generated calls against an independent, slow, obvious decision.
import t from 'tap';
import { compileRules, decideCall, type CallQuestion, type Decision, type PolicyRule, type RuleSet } from '../src/index.js';
import { referenceDecision, said } from './reference.js';
import { randomCall, randomFrom, randomSet, without } from './support.js';

const CALLS = 1_000_000;
const CALLS_A_SET = 500;

const keysOf = ({ rateKeys }: Decision): string[] => rateKeys.map(({ key }) => key);
/** Decision, policy, rule, reason, limit of risk, wait and counters: all of it the same. */
const differs = (set: RuleSet, call: CallQuestion): boolean => {
  const [got, wanted] = [decideCall(call), referenceDecision(set, call)];
  return said(got, keysOf(got)) !== said(wanted, wanted.rateKeys);
};

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
      if (said(got, keysOf(got)) === said(wanted, wanted.rateKeys)) continue;
      differing += 1;
      if (differing < 4) t.same(got, wanted, JSON.stringify({ set, ...call, rules: undefined }));
    }
  }
  t.equal(differing, 0);
  for (const count of Object.values(counts)) t.ok(count > CALLS / 50, JSON.stringify(counts));
  t.end();
});

/** Rule sets that forget something, each in one way. */
const FORGETFUL: Readonly<Record<string, (set: RuleSet) => RuleSet>> = {
  'rules outside their windows': (set) => mapRules(set, (rule) => (rule.outsideWindows === true ? [] : [rule])),
  conditions: (set) => mapRules(set, (rule) => [without(rule, 'when')]),
  'the rate of a service': (set) =>
    mapRules(set, ({ rate, ...rule }) => [
      rate === undefined ? rule : { ...rule, rate: { ...rate, per: rate.per === 'service' ? 'role' : rate.per } },
    ]),
  'one second of a rate': (set) =>
    mapRules(set, ({ rate, ...rule }) => [rate === undefined ? rule : { ...rule, rate: { ...rate, calls: rate.calls + 1 } }]),
  reasons: (set) => mapRules(set, (rule) => [without(rule, 'reason')]),
  'who asks': (set) => ({ ...set, policies: set.policies.map((one) => ({ ...one, requireIdentity: false })) }),
  'what is attached to all': (set) => ({ ...set, attachments: { ...set.attachments, '*': [] } }),
};
const mapRules = (set: RuleSet, change: (rule: PolicyRule) => PolicyRule[]): RuleSet => ({
  ...set,
  policies: set.policies.map((one) => ({ ...one, rules: one.rules.flatMap(change) })),
});

t.test('negative control: an engine that forgot one thing would be seen within twenty thousand calls', (t) => {
  for (const [name, forget] of Object.entries(FORGETFUL)) {
    const random = randomFrom(7);
    let differing = 0;
    for (let n = 0; n < 400; n += 1) {
      const set = randomSet(random);
      const rules = compileRules(forget(set));
      for (let m = 0; m < 50; m += 1) if (differs(set, randomCall(random, rules))) differing += 1;
    }
    t.ok(differing > 0, name);
  }
  t.end();
});
