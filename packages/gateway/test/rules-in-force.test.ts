// The rules in force: what applies at once, what waits for a code, and what a broken file or a restart changes. RULES-1 to RULES-5.
import { AirlockError, DEFAULT_CONFIG, type CompiledConfig, type Json, type PolicyReload } from '@airlock/protocol';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { RulesInForce } from '../src/rules/in-force.js';
import { refusalOf, startWorld, type World } from './support/world.js';

type Members = Readonly<Record<string, Json>>;
const policy = (id: string, rules: readonly Members[], more: Members = {}): Members => ({
  ...{ id, name: id, description: 'for a test', status: 'active', blocked_commands: [], rules },
  ...more,
});
const NO_WRITES = policy('no-writes', [{ id: 'writes', decision: 'deny', classes: ['write'] }]);
const NO_SEARCH = policy('no-search', [{ id: 'search', decision: 'deny', operations: ['search'], reason: 'not today' }]);
const SLOW = policy('slow', [{ id: 'two', decision: 'deny', rate: { calls: 2, perS: 60, per: 'operation' } }]);
const NAMED = policy('named', [], { requireIdentity: true });

const rulesOf = (policies: readonly Members[], problem?: string): CompiledConfig['rules'] => ({
  policies,
  attachments: { '*': policies.map(({ id }) => id as string) },
  ...(problem === undefined ? {} : { problem }),
});
const config = (policies: readonly Members[], more: Partial<CompiledConfig> = {}): CompiledConfig => ({
  ...DEFAULT_CONFIG,
  rules: rulesOf(policies),
  ...more,
});
const idsOf = (rules: RulesInForce): string[] =>
  rules
    .status()
    .policies.map(({ id }) => id as string)
    .sort();
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.code : String(thrown);
  }
};

t.test('RULES-4: the first start takes what the files say; a later one what was in force', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  t.same(idsOf(new RulesInForce(path, config([NO_WRITES, NO_SEARCH]))), ['no-search', 'no-writes']);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const later = new RulesInForce(path, config([NO_WRITES]));
  t.same(idsOf(later), ['no-search', 'no-writes'], 'a restart with wider files widens nothing');
  t.ok(later.status().staged?.changes.some((change) => change.includes('no-search/search')));
  t.end();
});

t.test('RULES-2: less applies at once and whole; more waits, also a class beyond reading', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  const rules = new RulesInForce(path, config([NO_WRITES]));
  t.match(rules.reload(config([NO_WRITES, NO_SEARCH])), { outcome: 'applied', staged: null });
  t.same(idsOf(rules), ['no-search', 'no-writes']);
  t.equal(rules.reload(config([NO_SEARCH, NO_WRITES])).outcome, 'unchanged', 'order is none');
  const staged = rules.reload(config([NO_SEARCH], { permissions: { default: 'read', allow: ['write'] } }));
  t.equal(staged.outcome, 'staged');
  t.ok(staged.changes.some((change) => change.includes('class write')));
  t.same(idsOf(rules), ['no-search', 'no-writes'], 'nothing of it is in force');
  t.same(rules.compiled.permissions.allow, []);
  t.same(rules.staged()?.permissions.allow, ['write']);
  t.equal(rules.reload(config([NO_SEARCH, NO_WRITES])).staged, null, 'files that are put back wait no longer');
  t.end();
});

t.test('RULES-2: what both takes away and gives is staged as a whole', (t) => {
  const rules = new RulesInForce(join(t.testdir({}), 'rules.json'), config([NO_WRITES]));
  t.equal(rules.reload(config([NO_SEARCH])).outcome, 'staged');
  t.same(idsOf(rules), ['no-writes'], 'the half that takes away does not apply by itself');
  t.end();
});

t.test('RULES-1: where a file is broken, what was in force stays in force', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  const rules = new RulesInForce(path, config([NO_WRITES]));
  const before = readFileSync(path, 'utf8');
  const broken: CompiledConfig[] = [
    config([], { rules: { policies: [], attachments: {}, problem: '/etc/airlock/policies/a.json:3:5: id: found 1' } }),
    config([policy('a', [{ id: 'x', decision: 'maybe' }])]),
    config([NO_SEARCH, NO_SEARCH]),
    config([], { rules: { policies: [], attachments: { default: ['missing'] } } }),
  ];
  for (const one of broken) {
    const answer = rules.reload(one);
    t.match(answer, { outcome: 'kept', staged: null, problem: /found/ });
    t.same(idsOf(rules), ['no-writes']);
    t.equal(readFileSync(path, 'utf8'), before);
    t.same(idsOf(new RulesInForce(path, one)), ['no-writes'], 'also after a restart');
  }
  t.equal(
    codeOf(() => new RulesInForce(join(t.testdir({}), 'rules.json'), broken[0] ?? DEFAULT_CONFIG)),
    'CONFIG_INVALID',
    'on the very first start there is nothing to go by',
  );
  t.end();
});

t.test('RULES-3: what is kept is checked when it is read', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  new RulesInForce(path, config([NO_WRITES]));
  const text = readFileSync(path, 'utf8');
  const damages: readonly [string, string][] = [
    ['cut', text.slice(0, text.length / 2)],
    ['empty', ''],
    ['a rule changed', text.replace('"deny"', '"allow"')],
    ['a policy gone', text.replace(/"policies":\[.*\],"attachments"/, '"policies":[],"attachments"')],
    ['no JSON', 'rules'],
    ['a class more', text.replace('"allow":[]', '"allow":["write"]')],
  ];
  for (const [name, damaged] of damages) {
    t.not(damaged, text, name);
    writeFileSync(path, damaged, { mode: 0o600 });
    t.equal(
      codeOf(() => new RulesInForce(path, config([NO_WRITES]))),
      'VAULT_UNREADABLE',
      name,
    );
  }
  writeFileSync(path, text, { mode: 0o600 });
  t.same(idsOf(new RulesInForce(path, config([NO_WRITES]))), ['no-writes'], 'negative control: as it was written');
  t.end();
});

const TICKET = 'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE';
const writeConfig = (world: World, compiled: CompiledConfig): void =>
  writeFileSync(world.path('compiled/config.json'), JSON.stringify(compiled));
const approved = (world: World, digest: string, changes: readonly string[], operator = 'default'): void =>
  void world.totp.actions.set(TICKET, { action: { verb: 'policy.apply', params: { digest, changes } }, operator, trial: null });

t.test('the operator reloads and applies; calls are decided by what is in force, and say so', async (t) => {
  const world = await startWorld({ config: { rules: rulesOf([NO_WRITES]) } });
  t.teardown(() => world.stop());
  const operator = await world.operator();
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session });
  await world.settle();
  const search = (): Promise<object> => agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });

  await search();
  t.match(world.events('operation_allowed').at(-1), { policy: 'lease', rule: 'lease-scope' });
  writeConfig(world, config([NO_WRITES, NO_SEARCH]));
  await search();
  t.match(await operator.call('policy.reload'), { outcome: 'applied' });
  const refusal = await refusalOf(search());
  t.match(refusal, {
    code: 'POLICY_DENIED',
    message: /policy no-search \(rule search\).*not today/,
    data: { hint: /airlock-ctl policy show no-search/ },
  });
  t.match(world.events('operation_refused').at(-1) ?? world.records().at(-1), { policy: 'no-search', rule: 'search' });
  t.match(world.events('policy_changed').at(-1), { outcome: 'applied' });

  writeConfig(world, config([NO_WRITES]));
  const staged = await operator.call<PolicyReload & Record<string, unknown>>('policy.reload');
  t.equal(staged.outcome, 'staged');
  t.equal((await refusalOf(search())).code, 'POLICY_DENIED', 'still');
  approved(world, '0'.repeat(64), staged.changes);
  t.equal((await refusalOf(operator.call('policy.apply', { ticket: TICKET }))).code, 'NOT_FOUND', 'a code for another set');
  t.equal((await refusalOf(operator.call('policy.apply', { ticket: TICKET }))).code, 'NOT_AUTHENTICATED', 'nor twice');
  approved(world, staged.staged?.digest ?? '', ['nothing much']);
  t.equal((await refusalOf(operator.call('policy.apply', { ticket: TICKET }))).code, 'NOT_FOUND', 'other words were shown');
  t.equal((await refusalOf(search())).code, 'POLICY_DENIED', 'still');
  approved(world, staged.staged?.digest ?? '', staged.changes);
  t.match(await operator.call('policy.apply', { ticket: TICKET }), { outcome: 'applied', staged: null });
  await search();
  await world.restart();
  await world.up();
  t.match(world.events('started').at(-1), { rules: staged.staged?.digest });
  t.match(await (await world.operator()).call('policy.status'), { digest: staged.staged?.digest, staged: null });
});

t.test('RULES-1: a configuration that cannot be read leaves what is in force', async (t) => {
  const world = await startWorld({ config: { rules: rulesOf([NO_WRITES]) } });
  t.teardown(() => world.stop());
  const operator = await world.operator();
  const before = await operator.call('policy.status');
  writeFileSync(world.path('compiled/config.json'), '{"v":1,');
  t.equal((await refusalOf(operator.call('policy.reload'))).code, 'CONFIG_INVALID');
  t.same(await operator.call('policy.status'), before);
});

t.test('agents reach none of it, and neither do rules apply to the operator that name every agent', async (t) => {
  const world = await startWorld({ config: { rules: rulesOf([NO_SEARCH]) } });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  for (const method of ['policy.status', 'policy.reload', 'policy.apply', 'policy.test'])
    t.equal((await refusalOf(agent.call(method, {}))).code, 'METHOD_UNKNOWN', method);
  const operator = await world.operator();
  const test = (role: string): Promise<object> => operator.call('policy.test', { role, service: 'mail', operation: 'search' });
  t.match(await test('default'), { decision: 'deny', policy: 'no-search', rule: 'search' });
  t.match(await test('operator'), { decision: 'allow' });
});

t.test('rates and identities: a call too many says when to try again, a nameless agent what to say', async (t) => {
  const world = await startWorld({ config: { rules: rulesOf([SLOW, NAMED]) } });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session });
  await world.settle();
  const search = (): Promise<object> => agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  await search();
  await search();
  t.match(await refusalOf(search()), { code: 'RATE_LIMITED', message: /policy slow/, data: { retryAfterMs: 60_000 } });
  await world.advance(62_000);
  await search();

  const nameless = await world.connect('agent/default');
  const hello = await nameless.call<{ session: string }>('hello', { client: 'airlock 0.1.0', protocol: 1 });
  const other = world.totp.issue({ session: hello.session });
  await world.settle();
  const params = { lease: other.text, service: 'mail', operation: 'search', params: {} };
  t.match(await refusalOf(nameless.call('call', params)), { code: 'POLICY_DENIED', message: /policy named \(rule identity\)/ });
});

t.test('RULES-1: a set that could not be read back is none, and what was in force stays, also over a restart', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  const rules = new RulesInForce(path, config([NO_WRITES]));
  const reason = '€'.repeat(90);
  const many = Array.from({ length: 5000 }, (_, n) => ({ id: `r${n}`, decision: 'deny', operations: [`nothing-${n}`], reason }));
  const huge = config([NO_WRITES, policy('huge', many)]);
  t.match(rules.reload(huge), { outcome: 'kept', problem: /found \d+ bytes, allowed: 1048576 in all/ });
  t.same(idsOf(new RulesInForce(path, huge)), ['no-writes'], 'it starts');
  const some = config([NO_WRITES, policy('some', many.slice(0, 2000))]);
  t.equal(rules.reload(some).outcome, 'applied', 'negative control');
  t.same(idsOf(new RulesInForce(path, some)), ['no-writes', 'some']);
  t.end();
});
