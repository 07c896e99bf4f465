// Attacks on operations that need an approval of their own, which need a cell or a disk that does what a test says.
import { narrowLease } from '@airlock/lease';
import { AirlockError, type CallResult, type GatewayStatus } from '@airlock/protocol';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

const MIB = 1024 * 1024;

let world: World;
t.beforeEach(async () => {
  world = await startWorld({
    config: { permissions: { default: 'read', allow: ['write'] } },
    // Its signed heads are of no real log, and a log begun again would be compared with them.
    prepare: ({ totp }) => totp.refuse.set('head.sign', new AirlockError('UNAVAILABLE', 'no heads here')),
  });
});
t.afterEach(() => world.stop());

const leaseFor = async (agent: Client, spec: object = {}): Promise<string> => {
  const { lease, text } = world.totp.issue({ session: agent.session, scopes: ['mail:read', 'mail:write'], ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return text;
};
const call = (agent: Client, lease: string, operation: string, query = 'hello'): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'mail', operation, params: { query } });
const send = (agent: Client, lease: string, query?: string): Promise<AirlockError> =>
  refusalOf(call(agent, lease, 'send', query));
const result = (agent: Client, request: string): Promise<CallResult> => agent.call<CallResult>('call.result', { request });
const codeOf = (agent: Client, request: string): Promise<string> =>
  result(agent, request).then(
    () => 'ok',
    (thrown: unknown) => (thrown as AirlockError).code,
  );
/** Polls until the operation is over. */
const endOf = async (agent: Client, request: string): Promise<string> => {
  for (let n = 0; n < 2000; n += 1) {
    const code = await codeOf(agent, request);
    if (code !== 'APPROVAL_PENDING') return code;
    await world.settle();
  }
  return 'never over';
};
const parked = async (agent: Client, lease: string, query?: string): Promise<string> =>
  (await send(agent, lease, query)).data.request ?? '';
const stateFile = (request: string): string => join(world.stateDir, 'operations', `${request}.json`);
const lookUps = (): number => world.totp.calls.filter((method) => method === 'request.get').length;

t.test('call.result as often as it can be sent while no slot is free: one try every five seconds', async (t) => {
  const agent = await world.agent();
  const leases = [await leaseFor(agent), await leaseFor(agent), await leaseFor(agent)];
  const request = await parked(agent, leases[0] ?? '');
  for (const lease of leases) await call(agent, lease, 'search');
  world.totp.decide('approved');
  for (let n = 0; n < 50; n += 1) t.equal(await codeOf(agent, request), 'APPROVAL_PENDING');
  const before = lookUps();
  await world.advance(5100);
  t.equal(lookUps() - before, 1);
  await world.advance(60_000);
  t.equal(await endOf(agent, request), 'ok', 'and it runs when a slot is free');
});

t.test('a taken-over cell answers with more than an outcome may have: unknown, and the gateway starts again', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  const answers = [
    () => okResult('x'.repeat(2 * MIB)),
    () => {
      throw new AirlockError('UPSTREAM_REFUSED', 'x'.repeat(2 * MIB));
    },
  ];
  for (const answer of answers) {
    world.cells.execute = answer;
    const request = await parked(agent, lease);
    world.totp.decide('approved');
    t.equal(await endOf(agent, request), 'OUTCOME_UNKNOWN');
  }
  await world.restart();
  await world.up();
  const status = await (await world.operator()).call<GatewayStatus>('status');
  t.equal(status.sealed, null);
});

t.test('an outcome that cannot be written is kept until it can be', async (t) => {
  const agent = await world.agent();
  const request = await parked(agent, await leaseFor(agent));
  const obstacle = `${stateFile(request)}.tmp`;
  world.cells.execute = () => {
    mkdirSync(obstacle);
    return okResult();
  };
  world.totp.decide('approved');
  await world.until(() => world.logs.some((line) => line.includes(request)), 'the failure in the log');
  t.equal(await codeOf(agent, request), 'APPROVAL_PENDING', 'PARKED-1: nothing follows from what is not on disk');
  rmdirSync(obstacle);
  await world.advance(5100);
  t.equal(await endOf(agent, request), 'ok');
  t.equal(world.cells.executed.length, 1, 'and it ran once');
});

t.test('RESULT-2: locked while the record of the outcome is written: the outcome does not leave', async (t) => {
  let agent = await world.agent();
  const request = await parked(agent, await leaseFor(agent));
  world.totp.decide('approved');
  t.equal(await endOf(agent, request), 'ok');
  for (let n = 0; n < 5; n += 1) {
    await world.gateway?.close();
    const kept = JSON.parse(readFileSync(stateFile(request), 'utf8')) as object;
    writeFileSync(stateFile(request), JSON.stringify({ ...kept, audit: null }));
    await world.start();
    await world.up();
    agent = await world.agent('default', agent.hello?.resume);
    const fetched = codeOf(agent, request);
    world.totp.lock(true);
    t.equal(await fetched, 'LOCKED');
    world.totp.lock(false);
    await world.settle();
  }
});

t.test('PARK-3, BUDGET-1: many at once spend no more than there is, and the same one once', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent, { budget: { calls: 2 } });
  const same = await Promise.all(Array.from({ length: 5 }, () => send(agent, lease, 'same')));
  t.same([...new Set(same.map(({ data }) => data.request))].length, 1);
  const others = await Promise.all(['a', 'b', 'c'].map((query) => send(agent, lease, query)));
  t.same(others.map(({ code }) => code).sort(), ['APPROVAL_PENDING', 'LEASE_BUDGET', 'LEASE_BUDGET']);
  const again = await send(agent, lease, 'same');
  t.equal(again.data.request, same[0]?.data.request, 'the answer that was lost can be had again');
  t.equal(world.totp.requests.length, 2);
});

t.test('a request that airlock-totp refuses costs nothing', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent, { budget: { calls: 1 } });
  world.totp.refuse.set('operation.open', new AirlockError('RATE_LIMITED', 'three wait already'));
  t.equal((await send(agent, lease)).code, 'RATE_LIMITED');
  world.totp.refuse.delete('operation.open');
  t.equal((await send(agent, lease)).code, 'APPROVAL_PENDING');
});

t.test('access.wait knows a settled operation whose request airlock-totp has forgotten', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  const done = await parked(agent, lease);
  world.totp.decide('approved');
  t.equal(await endOf(agent, done), 'ok');
  const denied = await parked(agent, lease);
  world.totp.decide('denied', 'not today');
  t.equal(await endOf(agent, denied), 'APPROVAL_DENIED');
  world.totp.refuse.set('request.get', new AirlockError('NOT_FOUND', 'forgotten'));
  await world.restart();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.same(await again.call('access.wait', { request: done, timeoutS: 1 }), { status: 'approved' });
  t.same(await again.call('access.wait', { request: denied, timeoutS: 1 }), { status: 'denied', reason: 'not today' });
  const other = await world.agent();
  t.equal((await refusalOf(other.call('access.wait', { request: done, timeoutS: 1 }))).code, 'NOT_FOUND', 'RESULT-1');
});

t.test(
  'PARKED-7: approved when the configuration allows no write any more, or when the operation is gone: nothing runs',
  async (t) => {
    const configFile = world.path('compiled/config.json');
    const config = JSON.parse(readFileSync(configFile, 'utf8')) as object;
    const manifestFile = world.path('connectors/fake.json');
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as { operations: { name: string }[] };
    let agent = await world.agent();
    const lease = await leaseFor(agent);
    const approvedAfter = async (change: () => void): Promise<string> => {
      const request = await parked(agent, lease);
      await world.gateway?.close();
      change();
      await world.start();
      await world.up();
      agent = await world.agent('default', agent.hello?.resume);
      world.totp.decide('approved');
      return endOf(agent, request);
    };
    t.equal(await approvedAfter(() => undefined), 'ok', 'negative control');
    const without = manifest.operations.filter(({ name }) => name !== 'send');
    t.equal(
      await approvedAfter(() => writeFileSync(manifestFile, JSON.stringify({ ...manifest, operations: without }))),
      'OPERATION_UNKNOWN',
    );
    writeFileSync(manifestFile, JSON.stringify(manifest));
    await world.restart();
    await world.up();
    agent = await world.agent('default', agent.hello?.resume);
    const readOnly = { ...config, permissions: { default: 'read', allow: [] } };
    t.equal(await approvedAfter(() => writeFileSync(configFile, JSON.stringify(readOnly))), 'READ_ONLY');
    t.equal(world.cells.executed.length, 1);
  },
);

t.test('LEASE-16: the outcome of an approved operation counts against the bytes of the lease that asked for it', async (t) => {
  const agent = await world.agent();
  const lease = narrowLease(await leaseFor(agent), ['budget', { bytes: 100 }]);
  world.cells.execute = () => okResult('x'.repeat(90));
  const request = await parked(agent, lease);
  t.equal(
    (await refusalOf(call(agent, narrowLease(lease, ['budget', { bytes: 50 }]), 'search'))).code,
    'LEASE_BUDGET',
    'negative control',
  );
  await world.restart();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  world.totp.decide('approved');
  t.equal(await endOf(again, request), 'ok', 'what was written is told');
  t.equal((await refusalOf(call(again, lease, 'search'))).code, 'LEASE_BUDGET');
});
