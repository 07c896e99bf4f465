// A team deploys in business hours: staging by itself, production with a code, at most three an hour, nothing at night.
import {
  addFixture,
  approveFront,
  obtainLease,
  openSession,
  startDeliveries,
  startWithFixture,
  until,
  type AgentSession,
  type Deliveries,
  type Running,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';
import t from 'tap';

const ZONE = 'Europe/Berlin';
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri'];
const DEPLOY = {
  id: 'deploy',
  name: 'Deploys',
  description: 'Staging by itself, production with a code, Monday to Friday from 8 to 18 in Berlin',
  status: 'active',
  blocked_commands: [],
  rules: [
    {
      id: 'closed',
      decision: 'deny',
      operations: ['deliver'],
      windows: [{ days: DAYS, from: '08:00', to: '18:00', zone: ZONE }],
      outsideWindows: true,
      reason: 'deploys happen Monday to Friday from 8 to 18',
    },
    { id: 'staging', decision: 'allow', operations: ['deliver'], when: ['to = "staging"'] },
    { id: 'three-an-hour', decision: 'deny', operations: ['deliver'], rate: { calls: 3, perS: 3600, per: 'operation' } },
  ],
};
/** A Monday in winter: Berlin is an hour ahead. */
const MONDAY_0730 = Date.parse('2026-01-05T07:30:00+01:00');
const MINUTE_MS = 60_000;

let running: Running;
let deliveries: Deliveries;
let agent: AgentSession;
let lease = '';
t.before(async () => {
  deliveries = await startDeliveries();
  running = await startWithFixture({
    cells: 6,
    wallMs: MONDAY_0730,
    yaml: 'permissions: {allow: [write]}\npolicies: {default: [deploy]}\n',
    policies: { 'deploy.json': JSON.stringify(DEPLOY, null, 2) },
  });
  await addFixture(running, { port: deliveries.port });
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
  await deliveries.close();
});

const at = (time: string): void => running.clock.advance(Date.parse(time) - running.clock.wallMs());
const deploy = (to: string, text: string): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'fixture', operation: 'deliver', params: { text, to } });
const refusalOf = async (promise: Promise<unknown>): Promise<AirlockError> => {
  try {
    await promise;
  } catch (thrown) {
    return thrown as AirlockError;
  }
  throw new Error('it was not refused');
};

t.test('half past seven: the lease says what it frees, and nothing runs yet', async (t) => {
  const { request } = await agent.call<{ request: string }>('access.request', {
    scopes: ['fixture:write'],
    reason: 'deploys',
    ttlS: 4 * 3600,
  });
  const shown = await running.command('airlock-ctl', ['pending']);
  t.match(shown.stdout, /fixture:deliver/, 'the operator reads which writes will not ask again');
  await approveFront(running);
  ({ lease } = await agent.call<{ lease: string }>('access.wait', { request, timeoutS: 10 }));
  const refusal = await refusalOf(deploy('staging', 'too early'));
  t.match(refusal, { code: 'POLICY_DENIED', message: /policy deploy \(rule closed\).*Monday to Friday from 8 to 18/ });
  t.same(deliveries.lines, []);
});

t.test('nine: staging runs by itself, and the record names policy and rule', async (t) => {
  at('2026-01-05T09:00:00+01:00');
  t.match(await deploy('staging', 'build 1'), { result: { delivered: true } });
  const audit = (await running.command('airlock-ctl', ['audit', '--json', '--event', 'operation_allowed'])).json;
  t.match((audit as object[]).at(-1), { policy: 'deploy', rule: 'staging', operation: 'deliver' });
});

t.test('production asks; one code, one deploy', async (t) => {
  const pending = await refusalOf(deploy('production', 'build 1 to production'));
  t.match(pending, { code: 'APPROVAL_PENDING', data: { request: /^r-/ } });
  const shown = await running.command('airlock-ctl', ['pending']);
  t.match(shown.stdout, /to = "production"/);
  await approveFront(running);
  const { request } = pending.data;
  t.match(await until('the outcome', () => agent.call<CallResult>('call.result', { request }).catch(() => null)), {
    result: { delivered: true },
  });
  t.same(deliveries.lines, ['build 1', 'build 1 to production']);
});

t.test('the fourth within the hour waits, and is told how long', async (t) => {
  await deploy('staging', 'build 2');
  const refusal = await refusalOf(deploy('staging', 'build 3'));
  t.match(refusal, { code: 'RATE_LIMITED', message: /policy deploy \(rule three-an-hour\)/ });
  running.clock.advance((refusal.data.retryAfterMs ?? 0) + 2 * MINUTE_MS);
  t.match(await deploy('staging', 'build 3'), { result: { delivered: true } });
});

t.test('the dry run agrees, at any hour one asks about', async (t) => {
  const dry = async (to: string, time: string): Promise<unknown> => {
    const args = ['policy', 'test', 'default', 'fixture', 'deliver', '-p', JSON.stringify({ to, text: 'x' }), '--at', time];
    return (await running.command('airlock-ctl', [...args, '--json'])).json;
  };
  t.match(await dry('staging', '2026-01-05T07:59:59+01:00'), { decision: 'deny', rule: 'closed' });
  t.match(await dry('staging', '2026-01-05T08:00:00+01:00'), { decision: 'allow', policy: 'deploy', rule: 'staging' });
  t.match(await dry('production', '2026-01-05T08:00:00+01:00'), { decision: 'approval' });
  t.match(await dry('staging', '2026-07-06T08:00:00+02:00'), { decision: 'allow' }, 'summer time');
  t.match(await dry('staging', '2026-01-10T12:00:00+01:00'), { decision: 'deny' }, 'a Saturday');
});

t.test('six in the evening: the same lease, and the door is closed', async (t) => {
  at('2026-01-05T17:50:00+01:00');
  ({ lease } = await obtainLease(running, agent, ['fixture:write']));
  t.match(await deploy('staging', 'build 4'), { result: { delivered: true } });
  at('2026-01-05T18:00:00+01:00');
  t.match(await refusalOf(deploy('staging', 'build 5')), { code: 'POLICY_DENIED', message: /rule closed/ });
  t.notOk(deliveries.lines.includes('build 5'));
});
