// Attack: whoever can write the policy files, or restart the daemon, or sit on the agent's socket, widens nothing without a code. RULES-2, RULES-5.
import { AirlockError } from '@airlock/protocol';
import { openSession, restartWith } from '@airlock/testkit';
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { approveShown, ask, auditOf, connectTo, errorOf, filesBelow } from './support/house.js';
import { DENY_ECHO, DENY_PID, policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

let house: RulesHouse;
t.before(async () => {
  house = await startRulesHouse();
});
t.teardown(() => house.stop());

const START = 'permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid]}\n';
const restore = async (): Promise<void> => {
  house.yaml(START);
  house.file('no-echo.json', DENY_ECHO);
  house.file('no-pid.json', DENY_PID);
  house.file('other.json', null);
  await house.reload();
};

/** Each makes the files allow more than what is in force. */
const WIDENINGS: Readonly<Record<string, () => void>> = {
  'a file taken away, and its policy detached': () => {
    house.file('no-echo.json', null);
    house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-pid]}\n');
  },
  'a policy detached': () => house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-pid]}\n'),
  'a policy attached to another role only': () =>
    house.yaml('permissions: {allow: [use]}\npolicies: {operator: [no-echo], "*": [no-pid]}\n'),
  'a policy switched off': () =>
    house.file(
      'no-echo.json',
      policyText('no-echo', [{ id: 'echo', decision: 'deny', operations: ['echo'] }], { status: 'disabled' }),
    ),
  'a rule that asks instead of denying': () =>
    house.file('no-echo.json', policyText('no-echo', [{ id: 'echo', decision: 'approval', operations: ['echo'] }])),
  'a rule that looks at another operation': () =>
    house.file('no-echo.json', policyText('no-echo', [{ id: 'echo', decision: 'deny', operations: ['echo2'] }])),
  'a rule under a condition': () =>
    house.file(
      'no-echo.json',
      policyText('no-echo', [{ id: 'echo', decision: 'deny', operations: ['echo'], when: ['text = "x"'] }]),
    ),
  'a rule within hours': () =>
    house.file(
      'no-echo.json',
      policyText('no-echo', [
        { id: 'echo', decision: 'deny', operations: ['echo'], windows: [{ from: '03:00', to: '03:01', zone: 'UTC' }] },
      ]),
    ),
  'another policy that allows': () => {
    house.file('other.json', policyText('other', [{ id: 'all', decision: 'allow', services: ['fixture'] }]));
    house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid, other]}\n');
  },
  'a class more': () => house.yaml('permissions: {allow: [use, write]}\npolicies: {"*": [no-echo, no-pid]}\n'),
  'a blocked command fewer, hidden behind a rule more': () =>
    house.file(
      'no-echo.json',
      policyText('no-echo', [
        { id: 'echo', decision: 'allow', operations: ['echo'] },
        { id: 'more', decision: 'deny' },
      ]),
    ),
};

for (const [name, widen] of Object.entries(WIDENINGS)) {
  t.test(name, async (t) => {
    const before = await house.status();
    widen();
    t.same(await house.decide('echo'), 'deny', 'writing files changes nothing');
    t.match(await house.reload(), { outcome: 'staged' });
    t.equal((await house.status()).digest, before.digest);
    t.equal(await house.decide('echo'), 'deny', 'a reload changes nothing');
    await restore();
    t.match(await house.status(), { digest: before.digest, staged: null });
  });
}

t.test('a wrong code, and none', async (t) => {
  const before = await house.status();
  house.yaml('permissions: {allow: [use]}\n');
  await house.reload();
  const wrong = await house.running.command('airlock-ctl', ['policy', 'apply', '--json'], { stdin: '000000\n' });
  t.match(wrong.json, { error: { code: 'CODE_REJECTED' } });
  await house.running.command('airlock-ctl', ['deny', '--all', '--json']);
  t.equal((await house.status()).digest, before.digest);
  await restore();
});

t.test('kill -9 and a new start over wider files', async (t) => {
  const before = await house.status();
  house.yaml('permissions: {allow: [use, write]}\n');
  await house.reload();
  await restartWith(house.running, 'airlock-gateway');
  const after = await house.status();
  t.equal(after.digest, before.digest);
  t.not(after.staged, null, 'they wait');
  t.equal(await house.decide('echo'), 'deny');
  await restore();
});

t.test('the state edited by hand seals the gateway', async (t) => {
  const file = [...filesBelow(house.running.env['AIRLOCK_STATE_DIR'] ?? '')].find(([path]) => path.endsWith('rules.json'));
  t.ok(file);
  const [path, bytes] = file ?? ['', Buffer.alloc(0)];
  const status = async (): Promise<unknown> => (await house.running.command('airlock-ctl', ['status', '--json'])).json;
  await restartWith(house.running, 'airlock-gateway', () => writeFileSync(path, String(bytes).replaceAll('"deny"', '"allow"')));
  t.match(JSON.stringify(await status()), /VAULT_UNREADABLE/);
  await restartWith(house.running, 'airlock-gateway', () => writeFileSync(path, bytes));
  t.notMatch(JSON.stringify(await status()), /VAULT_UNREADABLE/);
});

t.test('agents have no such method, on their socket or under a lease', async (t) => {
  const agent = await openSession(house.running);
  t.teardown(() => agent.close());
  for (const method of ['policy.status', 'policy.reload', 'policy.apply', 'policy.test'])
    t.equal((await errorOf(agent.call(method, {}))).code, 'METHOD_UNKNOWN', method);
});

t.test('a code for another set, a ticket of another deed, and a ticket twice', async (t) => {
  house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-pid]}\n');
  const staged = await house.reload();
  const gateway = await connectTo(house.running, 'operator/default');
  t.teardown(() => gateway.close());
  const stray = Buffer.alloc(32, 9).toString('base64url');
  t.equal((await errorOf(ask(gateway, 'policy.apply', { ticket: stray }))).code, 'NOT_AUTHENTICATED');
  const apply = house.apply();
  house.yaml('permissions: {allow: [use, write]}\n');
  t.match(await apply, { outcome: 'applied', digest: staged.staged?.digest }, 'negative control: a right code applies it');
  t.equal(await house.decide('echo'), 'allow');
  t.same((await house.status()).permissions.allow, ['use'], 'and nothing that the files said meanwhile');
  t.match(await house.reload(), { outcome: 'staged' });
  const again = await errorOf(ask(gateway, 'policy.apply', { ticket: stray }));
  t.ok(again instanceof AirlockError);
  await restore();
});

t.test('a code for the right digest under other words than those of the changes', async (t) => {
  house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-pid]}\n');
  const { staged } = await house.reload();
  const before = await house.status();
  const approvals = await connectTo(house.running, 'approve/default');
  const gateway = await connectTo(house.running, 'operator/default');
  t.teardown(() => [approvals, gateway].forEach((link) => link.close()));
  const lie = { digest: staged?.digest ?? '', changes: ['role default: + deny everything'] };
  await ask(approvals, 'action.open', { verb: 'policy.apply', params: lie });
  house.running.clock.advance(60_000);
  const { ticket } = await approveShown(house.running, approvals);
  t.equal((await errorOf(ask(gateway, 'policy.apply', { ticket }))).code, 'NOT_FOUND');
  t.equal((await house.status()).digest, before.digest);
  await restore();
});

t.test('each change is on the record, with who approved it', async (t) => {
  const records = await auditOf(house.running, 'policy_changed');
  t.ok(records.some(({ outcome }) => outcome === 'staged'));
  t.match(
    records.find(({ outcome }) => outcome === 'approved'),
    { operator: 'default', digest: /^[0-9a-f]{64}$/ },
  );
});

t.test('less needs no code (negative control: the judge is not blind)', async (t) => {
  house.file('other.json', policyText('other', [{ id: 'fail', decision: 'deny', operations: ['fail'] }]));
  house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid, other]}\n');
  t.equal(await house.decide('fail'), 'allow');
  t.match(await house.reload(), { outcome: 'applied' });
  t.equal(await house.decide('fail'), 'deny');
});
