/** The rules of a restore: no wider than what is in force, and with every denial of the others. MERGED-1 to MERGED-3. */
import {
  compareRuleSets,
  compileRules,
  decideCall,
  digestOfRules,
  type Policy,
  type PolicyRule,
  type RuleSet,
} from '@airlock/policy';
import t from 'tap';
import { mergeRules } from '../src/backup/merged-rules.js';
import { isOurs } from '../src/backup/restored-files.js';

const policy = (id: string, rules: readonly PolicyRule[], more: Partial<Policy> = {}): Policy => ({
  ...{ id, name: id, description: id, status: 'active', blocked_commands: [], rules },
  ...more,
});
const setOf = (
  policies: readonly Policy[],
  attachments: RuleSet['attachments'],
  allow: RuleSet['permissions']['allow'] = ['use', 'write'],
): RuleSet => ({ permissions: { default: 'read', allow }, policies, attachments });

const NONE = setOf([], {});
const deny = (operation: string): PolicyRule => ({ id: 'n', decision: 'deny', operations: [operation] });
const allow = (operation: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  ...{ id: 'y', decision: 'allow', operations: [operation] },
  ...more,
});

const decided = (set: RuleSet, name: string, role = 'default'): string =>
  decideCall({
    service: 'mail',
    operation: { name, class: 'write', outward: false, untrusted: false },
    scopes: [[{ service: 'mail', class: 'write', operation: null }]],
    rules: compileRules(set),
    ...{ role, client: null, params: {}, nowMs: 0, rateCount: () => 0, tainted: false },
  }).decision;

type Equal = Pick<typeof t, 'equal'>;

/** MERGED-1, and merged once more it is the same. */
const merged = (t: Equal, here: RuleSet, ...others: RuleSet[]): RuleSet => {
  const set = mergeRules(here, others);
  t.equal(compareRuleSets(here, set).wider, false, 'MERGED-1');
  t.equal(digestOfRules(mergeRules(set, others)), digestOfRules(set), 'again it is the same');
  return set;
};
t.test('what any of them denies is denied, for the same roles', (t) => {
  const there = setOf([policy('d', [deny('send')])], { work: ['d'] });
  const files = setOf([policy('e', [deny('move')])], { '*': ['e'] });
  const set = merged(t, NONE, there, files);
  t.equal(decided(set, 'send', 'work'), 'deny', 'MERGED-2');
  t.equal(decided(set, 'move', 'work'), 'deny', 'MERGED-2');
  t.equal(decided(set, 'send'), 'approval', 'negative control: another role');
  t.end();
});

t.test('two policies of one id are both in force', (t) => {
  const here = setOf([policy('d', [deny('send')])], { '*': ['d'] });
  const there = setOf([policy('d', [deny('move')])], { '*': ['d'] });
  const files = setOf([policy('d', [deny('copy')])], { '*': ['d'] });
  const set = merged(t, here, there, files);
  for (const operation of ['send', 'move', 'copy']) t.equal(decided(set, operation), 'deny', operation);
  t.same(
    set.policies.map(({ id }) => id),
    ['d', 'd-of-backup', 'd-of-backup-2'],
  );
  t.same(merged(t, here, here, here).policies, here.policies, 'and the same one once');
  t.end();
});

t.test('classes are those that all allow', (t) => {
  t.same(merged(t, setOf([], {}, ['use', 'write']), setOf([], {}, ['use'])).permissions.allow, ['use']);
  t.same(merged(t, setOf([], {}, []), NONE).permissions.allow, []);
  t.end();
});

t.test('no write is freed that one of them does not free', (t) => {
  const free = setOf([policy('f', [allow('move')])], { default: ['f'] });
  t.equal(decided(free, 'move'), 'allow', 'negative control');
  t.equal(decided(merged(t, NONE, free), 'move'), 'approval', 'MERGED-3: not here');
  t.equal(decided(merged(t, free, NONE), 'move'), 'approval', 'MERGED-3: not there');
  t.equal(decided(merged(t, free, free, NONE), 'move'), 'approval', 'MERGED-3: not in the files');
  t.equal(decided(merged(t, free, free, free), 'move'), 'allow');
  const forWork = setOf(free.policies, { default: ['f'], work: ['f'] });
  const set = merged(t, free, forWork);
  t.equal(decided(set, 'move'), 'allow');
  t.equal(decided(set, 'move', 'work'), 'approval', 'MERGED-3: for another role');
  t.end();
});

t.test('a limit of the risk of results stands where its rule frees nothing any more', (t) => {
  const free = setOf([policy('f', [allow('move', { maxRisk: 0.2 })])], { default: ['f'] });
  for (const set of [merged(t, NONE, free), merged(t, free, NONE)]) {
    t.equal(decided(set, 'move'), 'approval', 'MERGED-3');
    const rules = set.policies.flatMap((one) => one.rules);
    t.ok(
      rules.some(({ classes, maxRisk }) => classes?.includes('write') === true && maxRisk === 0.2),
      'MERGED-2',
    );
    t.ok(
      rules.some((rule) => rule.decision === 'allow' && rule.maxRisk === 0.2),
      'for what is read as well',
    );
  }
  t.end();
});

t.test('blocked commands hold attached or not; what is disabled does not', (t) => {
  const there = setOf([policy('c', [], { blocked_commands: ['rm'] }), policy('o', [deny('move')], { status: 'disabled' })], {
    '*': ['o'],
  });
  t.same(
    merged(t, NONE, there).policies.map(({ id }) => id),
    ['c'],
  );
  t.end();
});

t.test('files of the configuration are known by where they are, whatever they are called', (t) => {
  for (const name of ['airlock.yaml', 'policies/kein Zugriff.json', 'skills/ä.md', 'connectors/-x', 'policies/.a.json'])
    t.equal(isOurs(name), true, name);
  for (const name of [
    'shadow',
    'compiled/config.json',
    'policies/',
    'policies/..',
    'policies/a/b',
    'policies/a\nb',
    '../x',
    'policies',
  ])
    t.equal(isOurs(name), false, name);
  t.end();
});
