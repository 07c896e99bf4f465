// A person changes the rules while agents work: less at once, more by a code, a slip of the pen changes nothing, a rehearsal first.
import {
  addFixture,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  restartWith,
  startWithFixture,
  type AgentSession,
  type CommandResult,
  type Configured,
} from '@airlock/testkit';
import type { AirlockError, PolicyStatus } from '@airlock/protocol';
import { join } from 'node:path';
import t from 'tap';

let running: Configured;
let agent: AgentSession;
let lease = '';
let config = '';
let daemons: readonly number[];
t.before(async () => {
  running = await startWithFixture({ cells: 4 });
  await addFixture(running);
  config = running.env['AIRLOCK_CONFIG_DIR'] ?? '';
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read'], { ttlS: 3 * 3600 }));
  daemons = [await daemonOf(running, 'airlock-totp'), await daemonOf(running, 'airlock-gateway')];
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const ctl = (...args: string[]): Promise<CommandResult> => running.command('airlock-ctl', ['policy', ...args]);
const yaml = (text: string): void => running.edit('airlock.yaml', text);
const write = (name: string, text: string): void => running.edit(join('policies', name), text);
const apply = (): Promise<CommandResult> => {
  running.clock.advance(60_000);
  return running.command('airlock-ctl', ['policy', 'apply'], { stdin: `${running.freshCode()}\n` });
};
const echo = (): Promise<unknown> =>
  agent.call('call', { lease, service: 'fixture', operation: 'echo', params: { text: 'hello' } });
const errorOf = async (promise: Promise<unknown>): Promise<AirlockError> => {
  try {
    await promise;
  } catch (thrown) {
    return thrown as AirlockError;
  }
  throw new Error('it was not refused');
};

const QUIET = `{
  "id": "quiet",
  "name": "Quiet hours",
  "description": "Nothing is said",
  "status": "active",
  "blocked_commands": [],
  "rules": [
    { "id": "no-echo", "decision": "deny", "operations": ["echo"], "reason": "quiet please" }
  ]
}
`;

t.test('at first there are presets, and none of them is in force', async (t) => {
  const { stdout } = await ctl('list');
  for (const preset of ['business-hours', 'infra-mutation-block', 'permissive', 'read-only', 'strict'])
    t.match(stdout, new RegExp(`${preset} +preset +nobody`));
  t.match(stdout, 'classes that may be asked for: read\n');
  const completed = await running.command('airlock-ctl', ['complete', 'policy']);
  t.match(completed.stdout, /business-hours\n[^]*strict/);
  t.match((await ctl('show', 'strict')).stdout, /writes-ask[^]*each write is read before it happens/);
  t.match((await ctl('show', 'strcit', '--json')).json, { error: { code: 'NOT_FOUND', expected: /strict/ } });
  await echo();
});

t.test('a rehearsal says what would change before anything does', async (t) => {
  write('quiet.json', QUIET);
  t.match((await ctl('check')).stdout, /quiet .*quiet\.json +1 +0/);
  const rehearsed = await ctl('rehearse', join(config, 'policies/quiet.json'), '--last', '1d');
  t.match(rehearsed.stdout, /1 +default +fixture:echo +allow +deny +quiet\/no-echo/);
  t.match(rehearsed.stdout, /1 calls of the last 1d were decided again/);
  t.match((await ctl('rehearse', join(config, 'policies/quiet.json'), '--json')).json, { replayed: 1, unknown: 0 });
  await echo();
});

t.test('less applies at once, and the refusal names policy, rule and reason', async (t) => {
  yaml('policies: {default: [quiet, read-only]}\n');
  const reloaded = await ctl('reload');
  t.match(reloaded.stdout, /in force now\n[^]*\+ deny quiet\/no-echo/);
  t.match(await errorOf(echo()), { code: 'POLICY_DENIED', message: /policy quiet \(rule no-echo\).*quiet please/ });
  t.match((await ctl('test', 'default', 'fixture', 'echo')).stdout, 'denied (policy quiet, rule no-echo): quiet please');
  t.match((await ctl('list')).stdout, /quiet +active +default +1/);
});

t.test('a slip of the pen is named by file, line and key, and changes nothing', async (t) => {
  const before = (await ctl('list', '--json')).json as PolicyStatus;
  write('quiet.json', QUIET.replace('"deny"', '"denny"'));
  t.match(await ctl('check', '--json'), { json: { error: { message: /quiet\.json:8:\d+: rules\.0\.decision: found "denny"/ } } });
  const reloaded = await ctl('reload', '--json');
  t.match(reloaded.json, { error: { code: 'CONFIG_INVALID', message: /quiet\.json:8:/, hint: /policy reload/ } });
  const after = (await ctl('list', '--json')).json as PolicyStatus;
  t.equal(after.digest, before.digest);
  t.match((await ctl('list')).stdout, /broken, so what was in force stays in force: .*quiet\.json:8:/);
  t.match((await running.command('airlock-ctl', ['status'])).stdout, /policies +broken, .*quiet\.json:8:/);
  t.match((await running.command('airlock-ctl', ['doctor'])).stdout, /policies.*quiet\.json:8:/);
  t.equal(await refusalOf(echo()), 'POLICY_DENIED');
  t.same([await daemonOf(running, 'airlock-totp'), await daemonOf(running, 'airlock-gateway')], daemons, 'both daemons live');
});

t.test('a rehearsal shows too what other rules would let through', async (t) => {
  write('quiet.json', QUIET.replace('"echo"', '"shout"'));
  const rehearsed = await ctl('rehearse', join(config, 'policies/quiet.json'));
  t.match(rehearsed.stdout, /\d +default +fixture:echo +deny +allow +lease\/lease-scope/);
});

t.test('more waits for a code, and the text that asks for it lists the changes', async (t) => {
  write('quiet.json', QUIET.replace('"echo"', '"shout"'));
  t.match((await ctl('reload')).stdout, /this allows more, so it waits for a code[^]*- deny quiet\/no-echo/);
  t.match((await running.command('airlock-ctl', ['status'])).stdout, /policies +2 changes wait for a code/);
  t.equal(await refusalOf(echo()), 'POLICY_DENIED', 'not yet');
  t.match((await ctl('test', 'default', 'fixture', 'echo', '--staged', '--json')).json, { decision: 'allow' });
  const applied = await apply();
  t.match(applied.stderr, /let agents do more: apply changed policies[^]*role default: - deny quiet\/no-echo/);
  t.match(applied.stdout, 'in force now');
  await echo();
  t.match((await ctl('apply', '--json')).json, { error: { code: 'NOT_FOUND' } }, 'nothing waits any more');
});

t.test('a further class is more too: nobody may ask for it before the code', async (t) => {
  yaml('permissions: {allow: [write]}\npolicies: {default: [quiet]}\n');
  t.match((await ctl('reload')).stdout, /class write may be asked for/);
  const ask = (): Promise<unknown> => agent.call('access.request', { scopes: ['fixture:write'], reason: 'a test' });
  t.equal(await refusalOf(ask()), 'READ_ONLY');
  await apply();
  t.equal(await refusalOf(ask()), null);
  yaml('permissions: {allow: [write]}\npolicies: {default: [quiet, read-only]}\n');
  await ctl('reload');
  const granted = await running.command('airlock-ctl', ['grant', 'default', 'fixture:write', '--json'], { stdin: '000000\n' });
  t.match(granted.json, { error: { code: 'POLICY_DENIED' } }, 'the operator is told so too, before a code is asked for');
  t.match(await errorOf(ask()), {
    code: 'POLICY_DENIED',
    message: /policy read-only \(rule no-writes\) denies all of fixture:write/,
  });
});

t.test('a restart keeps what was in force', async (t) => {
  const before = (await ctl('list', '--json')).json as PolicyStatus;
  yaml('permissions: {allow: [write]}\n');
  await restartWith(running, 'airlock-gateway');
  const after = (await ctl('list', '--json')).json as PolicyStatus;
  t.equal(after.digest, before.digest);
  const events = (await running.command('airlock-ctl', ['audit', '--event', 'policy_changed', '--json'])).json;
  t.same(
    (events as { outcome: string }[]).map(({ outcome }) => outcome),
    ['applied', 'kept', 'staged', 'approved', 'staged', 'approved', 'applied'],
    'every step is on the record',
  );
});
