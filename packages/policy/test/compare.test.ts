// Whether a changed rule set may apply without a code: never where a call would be decided more freely.
import t from 'tap';
import { compareRuleSets, compileRules, decideCall, type Policy, type PolicyRule, type RuleSet } from '../src/index.js';
import { randomCall, randomFrom, randomRule, randomSet, without } from './support.js';

type Random = (below: number) => number;
const RANK = { deny: 0, approval: 1, allow: 2 } as const;
const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)] as T;

/** What people do to a rule: each is a widening for some rules and none for others. */
const EDITS: readonly ((rule: PolicyRule, random: Random) => PolicyRule)[] = [
  ...(['when', 'services', 'outward', 'rate', 'maxRisk'] as const).map((key) => (rule: PolicyRule) => without(rule, key)),
  (rule) => without(rule, 'windows', 'outsideWindows'),
  (rule) => ({ ...rule, when: [...(rule.when ?? []), 'amount > 100'] }),
  (rule) => ({ ...rule, operations: [...(rule.operations ?? []), 'send'] }),
  (rule) => (rule.operations === undefined ? { ...rule, operations: ['list*'] } : without(rule, 'operations')),
  (rule) => (rule.classes === undefined ? { ...rule, classes: ['write'] } : without(rule, 'classes')),
  (rule) => ({ ...rule, windows: [...(rule.windows ?? []), { days: ['wed'], from: '09:00', to: '17:00', zone: 'UTC' }] }),
  (rule, random) => {
    const { rate } = rule;
    return rate === undefined ? rule : { ...rule, rate: { ...rate, calls: Math.max(1, rate.calls + pick(random, [-1, 1])) } };
  },
  (rule, random) => ({ ...rule, maxRisk: random(10) / 10 }),
  (rule) => ({ ...rule, reason: 'other words' }),
  (rule, random) => {
    const decision = pick(random, ['allow', 'approval', 'deny'] as const);
    return { ...(decision === 'allow' ? without(rule, 'rate') : rule), decision };
  },
  (rule) => ({ ...rule, id: `${rule.id}x` }),
];

/** A set near the given one: something is added, taken away or changed. */
const near = (random: Random, set: RuleSet): RuleSet => {
  const policies = set.policies.map((one): Policy => {
    const kept = one.rules.filter(() => random(100) < 97);
    const edited = kept.map((rule) => (random(100) < 12 ? pick(random, EDITS)(rule, random) : rule));
    const added = random(100) < 10 ? [randomRule(random, 90)] : [];
    return { ...one, rules: [...edited, ...added], ...(random(100) < 2 ? { status: 'disabled' as const } : {}) };
  });
  return { ...set, policies, ...(random(100) < 10 ? { permissions: { default: 'read', allow: [] } } : {}) };
};

/** One generated call that the second set decides more freely, or lets a riskier result out; null where none was found. */
const widening = (random: Random, before: RuleSet, after: RuleSet, calls: number): object | null => {
  const [a, b] = [compileRules(before), compileRules(after)];
  for (let n = 0; n < calls; n += 1) {
    const call = randomCall(random, a);
    const [old, fresh] = [decideCall(call), decideCall({ ...call, rules: b })];
    const isRiskier = fresh.decision !== 'deny' && (fresh.maxRisk ?? 1) > (old.maxRisk ?? 1);
    if (RANK[fresh.decision] > RANK[old.decision] || isRiskier) return { before, after, call, old, fresh };
  }
  return null;
};

t.test('COMPARE-1, COVER-1: where a set is said to be no wider, no call is decided more freely', (t) => {
  const random = randomFrom(19);
  const said = { wider: 0, foundWider: 0, narrower: 0, changedNarrower: 0 };
  for (let n = 0; n < 6000; n += 1) {
    const set = randomSet(random);
    const other = random(10) === 0 ? randomSet(random) : near(random, set);
    const { wider, changes } = compareRuleSets(set, other);
    const found = widening(random, set, other, 40);
    if (!wider && found !== null) {
      t.fail(JSON.stringify(found));
      return t.end();
    }
    said[wider ? 'wider' : 'narrower'] += 1;
    if (wider && found !== null) said.foundWider += 1;
    if (!wider && changes.length > 0) said.changedNarrower += 1;
  }
  t.ok(said.foundWider > 300, `negative control: calls show many widenings where it says so: ${JSON.stringify(said)}`);
  t.ok(said.changedNarrower > 600, `it does not just say wider: ${JSON.stringify(said)}`);
  t.same(compareRuleSets(randomSet(randomFrom(1)), randomSet(randomFrom(1))), { wider: false, changes: [] }, 'itself');
  t.end();
});

const setOf = (...rules: PolicyRule[]): RuleSet => ({
  permissions: { default: 'read', allow: ['write'] },
  policies: [{ id: 'p', name: 'P', description: 'd', status: 'active', blocked_commands: ['terraform apply'], rules }],
  attachments: { '*': ['p'] },
});
const deny: PolicyRule = { id: 'd', decision: 'deny', operations: ['send'], when: ['amount > 100'] };
const free: PolicyRule = { id: 'f', decision: 'allow', operations: ['save_draft'], when: ['amount <= 5'] };
const rated: PolicyRule = { id: 'r', decision: 'deny', rate: { calls: 10, perS: 60, per: 'role' } };
const office = { days: ['mon'], from: '09:00', to: '17:00', zone: 'UTC' } as const;
const tuesday = { ...office, days: ['tue'] } as const;
const closed: PolicyRule = { id: 'c', decision: 'deny', windows: [office, tuesday], outsideWindows: true };
const risky: PolicyRule = { id: 'k', decision: 'allow', classes: ['read'], maxRisk: 0.5 };

t.test('what only takes away applies at once', (t) => {
  const cases: [string, PolicyRule[], PolicyRule[]][] = [
    ['a deny that covers more operations', [deny], [{ ...deny, operations: ['send', 'pay'] }]],
    ['a deny without its condition', [deny], [{ id: 'd', decision: 'deny', operations: ['send'] }]],
    ['an approval that becomes a deny', [{ ...deny, decision: 'approval' }], [deny]],
    ['another reason', [deny], [{ ...deny, reason: 'ask ada' }]],
    ['another name', [deny], [{ ...deny, id: 'other' }]],
    ['an allow that is gone', [free], []],
    ['an allow with one condition more', [free], [{ ...free, when: ['amount <= 5', 'to exists'] }]],
    ['an allow of what reads, with a limit of risk', [], [risky]],
    ['a bare allow, which frees no write', [], [{ id: 'a', decision: 'allow' }]],
    ['a lower rate', [rated], [{ ...rated, rate: { calls: 5, perS: 60, per: 'role' } }]],
    ['fewer hours', [closed], [{ ...closed, windows: [office] }]],
    [
      'the same hours, their members in another order',
      [closed],
      [{ ...closed, windows: [{ zone: 'UTC', to: '17:00', from: '09:00', days: ['mon'] }, tuesday] }],
    ],
    ['a lower risk', [risky], [{ ...risky, maxRisk: 0.4 }]],
  ];
  for (const [name, before, after] of cases) {
    const { wider, changes } = compareRuleSets(setOf(...before), setOf(...after));
    t.notOk(wider, name);
    t.ok(changes.length > 0, `${name}: and it is named`);
  }
  t.end();
});

t.test('what may give more waits for a code', (t) => {
  const cases: [string, PolicyRule[], PolicyRule[]][] = [
    ['a deny that is gone', [deny], []],
    ['a deny with one condition more', [deny], [{ ...deny, when: ['amount > 100', 'to exists'] }]],
    ['a deny that becomes an approval', [deny], [{ ...deny, decision: 'approval' }]],
    ['a deny about less', [{ ...deny, operations: ['send', 'pay'] }], [deny]],
    ['a new allow that frees writes', [], [free]],
    ['an allow without its condition', [free], [{ id: 'f', decision: 'allow', operations: ['save_draft'] }]],
    ['a higher rate', [rated], [{ ...rated, rate: { calls: 11, perS: 60, per: 'role' } }]],
    ['a rate of another name, whose count begins anew', [rated], [{ ...rated, id: 'other' }]],
    ['more hours', [{ ...closed, windows: [office] }], [closed]],
    ['inside for outside', [closed], [{ id: 'c', decision: 'deny', windows: [office, tuesday] }]],
    ['a higher risk', [risky], [{ ...risky, maxRisk: 0.6 }]],
    ['no limit of risk', [risky], []],
  ];
  for (const [name, before, after] of cases) t.ok(compareRuleSets(setOf(...before), setOf(...after)).wider, name);
  const set = setOf(deny);
  t.ok(compareRuleSets({ ...set, permissions: { default: 'read', allow: [] } }, set).wider, 'a further class');
  t.ok(compareRuleSets(set, { ...set, attachments: { default: ['p'] } }).wider, 'for one role instead of all');
  t.ok(compareRuleSets(set, { ...set, policies: [{ ...(set.policies[0] as Policy), status: 'disabled' }] }).wider, 'disabled');
  t.ok(
    compareRuleSets(set, { ...set, policies: [{ ...(set.policies[0] as Policy), blocked_commands: [] }] }).wider,
    'a blocked command less',
  );
  t.end();
});

t.test('a change says what the rule is about, what widens first', (t) => {
  const { changes } = compareRuleSets(setOf(deny), setOf({ ...free, reason: 'small' }, { id: 'e', decision: 'approval' }));
  t.same(changes, [
    'every role: - deny p/d {"operations":["send"],"when":["amount > 100"]}',
    'every role: + allow p/f {"operations":["save_draft"],"when":["amount <= 5"]}',
    'every role: + approval p/e every call',
  ]);
  t.same(compareRuleSets(setOf(deny), setOf({ ...deny, reason: 'ask ada' })).changes, ['every role: another reason for p/d']);
  t.end();
});

t.test('ten thousand changed rules are compared within a second or so, or count as wider', (t) => {
  const many = (reason: number): RuleSet =>
    setOf(
      ...Array.from({ length: 10_000 }, (_, n): PolicyRule => ({
        id: `r${n}`,
        decision: 'deny',
        when: [`amount > ${n + reason}`],
      })),
    );
  t.ok(compareRuleSets(many(0), many(1)).wider);
  t.notOk(compareRuleSets(many(0), many(0)).wider);
  t.end();
});
