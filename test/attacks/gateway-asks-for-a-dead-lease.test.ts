// Attack: a taken-over gateway keeps using leases that ended, or invents some. RELEASE-2, BRIDGE-1.
import {
  addFixture,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  restartWith,
  startWithFixture,
  untilServing,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { AccessStatus } from '@airlock/protocol';
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { giveBack, outcomeOf, recordOf, release, releaseRequest, takeBridge } from './bridge.js';

const TTL_S = 600;

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

/** @returns the id of a live lease, and its text */
const newLease = async (): Promise<{ id: string; text: string }> => {
  const { lease } = await obtainLease(running, agent, ['fixture:read'], { ttlS: TTL_S });
  const { leases } = await agent.call<AccessStatus>('access.status');
  return { id: leases.at(-1)?.id ?? '', text: lease };
};

t.test('no key for a lease that was revoked, released, expired, or never was', async (t) => {
  const [revoked, released, expiring] = [await newLease(), await newLease(), await newLease()];
  await running.command('airlock-ctl', ['revoke', revoked.id, '--json']);
  await agent.call('access.release', { lease: released.text });
  const gateway = await takeBridge(running);
  t.same(
    gateway.hello.leases.map(({ id }) => id),
    [expiring.id],
    'hello names what lives and nothing else',
  );
  const ask = (lease: string): Promise<string | null> => refusalOf(gateway.ticket(lease, 'fixture'));
  t.equal(await ask(expiring.id), null, 'negative control');
  t.equal(await ask(revoked.id), 'LEASE_EXPIRED');
  t.equal(await ask(released.id), 'LEASE_EXPIRED');
  for (const unknown of [randomBytes(16).toString('base64url'), 'none', expiring.id.toLowerCase() + 'A'])
    t.equal(await ask(unknown), 'LEASE_EXPIRED', unknown);
  for (const malformed of ['', '../x', 'a b', `${expiring.id}\0`, 'x'.repeat(87)])
    t.equal(await ask(malformed), 'PARAMS_INVALID', JSON.stringify(malformed));

  const ticket = await gateway.ticket(expiring.id, 'fixture');
  running.clock.advance(TTL_S * 1000);
  t.equal(await ask(expiring.id), 'LEASE_EXPIRED');
  t.match(
    outcomeOf(await release(running, releaseRequest(ticket, recordOf(running, 'fixture')))),
    /^(NOT_AUTHENTICATED|LEASE_EXPIRED)$/,
    'a ticket from before',
  );
  await giveBack(running, gateway);
});

t.test('a fake gateway cannot approve, redeem, sign or take what is not its own', async (t) => {
  const asked = await agent.call<{ request: string }>('access.request', { scopes: ['fixture:read'], reason: 'a test' });
  const gateway = await takeBridge(running);
  const call = (method: string, params: object): Promise<string | null> => refusalOf(gateway.call(method, params));
  const nobody = randomBytes(32).toString('base64url');
  t.equal(await call('request.take', { request: asked.request }), 'APPROVAL_PENDING', 'what nobody approved');
  t.equal(await call('request.take', { request: 'r-aaaaaaaaaa' }), 'NOT_FOUND');
  t.equal(await call('action.redeem', { ticket: nobody, operator: 'default', verb: 'service.remove' }), 'NOT_AUTHENTICATED');
  t.equal(await call('record.committed', { operator: 'default', service: 'fixture', version: 99 }), 'PARAMS_INVALID');
  t.equal(await call('record.committed', { operator: 'nobody', service: 'fixture', version: 1 }), 'NOT_FOUND');
  for (const method of ['request.approve', 'approve', 'status', 'enrol.begin', 'unlock', 'leases'])
    t.equal(await call(method, {}), 'METHOD_UNKNOWN', method);
  t.equal(await call('heartbeat', { code: '123456' }), 'PARAMS_INVALID');
  t.equal(await call('heartbeat', {}), null, 'negative control: the connection still works');
  await giveBack(running, gateway);
  await running.command('airlock-ctl', ['deny', '--all', '--json']);
  // QUEUE-5: codes of the steps in which it was on display approve nothing any more.
  running.clock.advance(90_000);
});

t.test('nothing is answered before hello', async (t) => {
  const { connectSocket } = await import('@airlock/ipc');
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGSTOP');
  const link = await connectSocket(running.sockets['bridge'] ?? '');
  t.equal(await refusalOf(link.call('heartbeat', {})), 'NOT_AUTHENTICATED');
  t.equal(await refusalOf(link.call('ticket.create', { lease: 'none', service: 'fixture' })), 'NOT_AUTHENTICATED');
  link.close();
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGCONT');
  await untilServing(running);
});

t.test('a fake gateway after the real one was killed gets no more, and the real one comes back', async (t) => {
  const { id, text } = await newLease();
  const { resume } = agent.hello;
  await running.command('airlock-ctl', ['lock', '--json']);
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGKILL');
  const gateway = await takeBridge(running);
  t.equal(await refusalOf(gateway.ticket(id, 'fixture')), 'LOCKED', 'while locked');
  await giveBack(running, gateway);
  await restartWith(running, 'airlock-gateway');
  const unlocked = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
  t.equal(unlocked.status, 0, unlocked.stdout);
  agent.close();
  agent = await openSession(running, { resume });
  const params = { lease: text, service: 'fixture', operation: 'echo', params: {} };
  t.equal(await refusalOf(agent.call('call', params)), null, 'the lease that lived is served');
});
