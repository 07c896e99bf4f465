// Attack: a second gateway beside the first, to listen, to starve it, or to lose its leases. "One connection at a time", BRIDGE-3.
import { connectSocket, type Connection } from '@airlock/ipc';
import {
  addFixture,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { AccessStatus } from '@airlock/protocol';
import { BRIDGE_NOTIFICATIONS } from './bridge.js';
import t from 'tap';
import { giveBack, takeBridge } from './bridge.js';

let running: Running;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read']));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const served = (): Promise<string | null> =>
  refusalOf(agent.call('call', { lease, service: 'fixture', operation: 'echo', params: {} }));

interface Second {
  readonly link: Connection;
  readonly heard: string[];
  readonly closed: Promise<void>;
}

const second = async (): Promise<Second> => {
  const heard: string[] = [];
  let close = (): void => undefined;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const entry = (method: string): { params: () => null; handle: () => void } => ({
    params: () => null,
    handle: () => void heard.push(method),
  });
  const link = await connectSocket(running.sockets['bridge'] ?? '', {
    notifications: Object.fromEntries(BRIDGE_NOTIFICATIONS.map((method) => [method, entry(method)])),
    limits: { maxBinaryBytes: 4096 },
    onBinary: () => undefined,
    onClose: () => close(),
  });
  return { link, heard, closed };
};

t.test('the newer connection takes the place, the older one is closed and told nothing', async (t) => {
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGSTOP');
  const [first, later] = [await second(), await second()];
  await first.closed;
  t.equal(await refusalOf(first.link.call('hello', { protocol: 1 })), 'UNAVAILABLE');
  t.equal(await refusalOf(later.link.call('hello', { protocol: 1 })), null);
  await running.command('airlock-ctl', ['lock', '--json']);
  t.equal(await refusalOf(later.link.call('heartbeat', {})), null);
  t.same(first.heard, []);
  t.same(later.heard, ['locked'], 'negative control: who has the place is told');
  later.link.close();
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGCONT');
  await untilServing(running);
  const unlocked = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
  t.equal(unlocked.status, 0, unlocked.stdout);
  await until('service', async () => (await served()) === null);
});

t.test('a second one that takes the place again and again loses no lease and leaves no mark', async (t) => {
  const before = await agent.call<AccessStatus>('access.status');
  for (let round = 0; round < 20; round += 1) {
    const intruder = await second();
    if (round % 2 === 0) await refusalOf(intruder.link.call('hello', { protocol: 1 }));
    if (round % 5 === 0) await intruder.closed;
    intruder.link.close();
  }
  await untilServing(running);
  await until('service', async () => (await served()) === null);
  t.same((await agent.call<AccessStatus>('access.status')).leases, before.leases);
  t.equal(await daemonOf(running, 'airlock-totp'), running.pids.totp);
  t.equal(await daemonOf(running, 'airlock-gateway'), running.pids.gateway);
});

t.test('what is decided while another has the place is known to the real one afterwards', async (t) => {
  const gateway = await takeBridge(running);
  t.equal((await running.command('airlock-ctl', ['revoke', '--all', '--json'])).status, 0);
  await giveBack(running, gateway);
  await until('the refusal', async () => (await served()) === 'LEASE_REVOKED');
});
