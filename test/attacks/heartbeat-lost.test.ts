// Attack: silence airlock-totp, so that nobody hears of a revocation. BRIDGE-2.
import {
  addFixture,
  isAlive,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import t from 'tap';

/** BRIDGE-2: 2 s, a tick, and what a busy machine needs. */
const CUT_OFF_MS = 2500;

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const call = (lease: string, operation: string): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'fixture', operation, params: {} });

t.test('a gateway that does not hear from airlock-totp serves nothing; once heard, it serves again', async (t) => {
  const { lease } = await obtainLease(running, agent, ['fixture:read']);
  const { pid } = (await call(lease, 'pid')).result as { pid: number };
  const hanging = refusalOf(call(lease, 'hang'));
  t.equal(await refusalOf(call(lease, 'pid')), null);
  process.kill(running.pids.totp, 'SIGSTOP');
  const startedMs = performance.now();
  t.equal(await refusalOf(call(lease, 'pid')), null, 'negative control: served until it is noticed');
  await until('the refusal', async () => (await refusalOf(call(lease, 'pid'))) === 'UNAVAILABLE', CUT_OFF_MS);
  t.ok(performance.now() - startedMs > 1000, 'not before a heartbeat could be missed');
  t.equal(await hanging, 'UNAVAILABLE', 'the call in flight');
  await until('the end of the cell', () => !isAlive(pid), 1000);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['fixture:read'], reason: 'x' })), 'UNAVAILABLE');
  t.equal(await refusalOf(agent.call('services.list')), null, 'what needs no lease is still answered');

  process.kill(running.pids.totp, 'SIGCONT');
  await untilServing(running);
  await until('service', async () => (await refusalOf(call(lease, 'pid'))) === null);
});

t.test('a lease that ended in the silence is not served after it', async (t) => {
  const [short, long] = [
    await obtainLease(running, agent, ['fixture:read'], { ttlS: 60 }),
    await obtainLease(running, agent, ['fixture:read'], { ttlS: 600 }),
  ];
  process.kill(running.pids.totp, 'SIGSTOP');
  running.clock.advance(61_000);
  t.equal(await refusalOf(call(short.lease, 'pid')), 'LEASE_EXPIRED', 'the gateway sees the end by itself');
  await until('the refusal', async () => (await refusalOf(call(long.lease, 'pid'))) === 'UNAVAILABLE', CUT_OFF_MS);
  process.kill(running.pids.totp, 'SIGCONT');
  await untilServing(running);
  t.equal(await refusalOf(call(short.lease, 'pid')), 'LEASE_EXPIRED');
  await until('service', async () => (await refusalOf(call(long.lease, 'pid'))) === null);
});
