import { mintLease, narrowLease, parseLease } from '@airlock/lease';
import type { CallResult } from '@airlock/protocol';
import t from 'tap';
import { CHECKS } from '../src/call/checks.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

let world: World;
t.beforeEach(async () => {
  world = await startWorld();
});
t.afterEach(() => world.stop());

const call = (client: Client, lease: string, change: object = {}): Promise<CallResult> =>
  client.call<CallResult>('call', { lease, service: 'mail', operation: 'search', params: { query: '123456' }, ...change });

/** A lease of this session, known to the gateway. */
const leaseFor = async (client: Client, spec: object = {}): Promise<{ id: string; text: string }> => {
  const { lease, text } = world.totp.issue({ session: client.session, ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return { id: lease.id, text };
};

t.test('AUDIT-19: a call under a lease is answered, recorded before and after, and numbered', async (t) => {
  const agent = await world.agent();
  const { id, text } = await leaseFor(agent);
  const { result, meta } = await call(agent, text);
  t.same(result, { ok: true });
  const [allowed] = world.events('operation_allowed');
  const [done] = world.events('operation');
  t.match(allowed, { service: 'mail', operation: 'search', rule: 'lease-scope', lease: id, role: 'default' });
  t.match(done, { result: 'ok', count: 1, of: allowed?.['seq'], session: agent.session });
  t.equal(meta.audit, done?.['seq']);
  t.notMatch(JSON.stringify(world.records()), /123456|al1\./, 'JOURNAL-3: neither parameters nor lease texts are recorded');
});

t.test('every check refuses in its place: what fails two is refused by the first', async (t) => {
  const agent = await world.agent();
  const { id, text } = await leaseFor(agent);
  const intended = await leaseFor(agent, { intent: 'a'.repeat(64) });
  const spent = await leaseFor(agent, { budget: { calls: 1 } });
  await call(agent, spent.text);
  const codes = async (lease: string, change: object): Promise<string> => (await refusalOf(call(agent, lease, change))).code;
  t.equal(CHECKS.length, 10);
  t.equal(await codes('al1.x.y', { service: 'none' }), 'LEASE_INVALID');
  t.equal(await codes(text.slice(0, -2) + 'AA', {}), 'LEASE_INVALID');
  t.equal(await codes(intended.text, { service: 'none' }), 'LEASE_INTENT');
  t.equal(await codes(text, { service: 'none', operation: 'none' }), 'SERVICE_UNKNOWN');
  t.equal(await codes(text, { operation: 'none' }), 'OPERATION_UNKNOWN');
  t.equal(await codes(text, { operation: 'send', params: { otp: '1' } }), 'CODE_ON_AGENT_SOCKET');
  t.equal(await codes(text, { operation: 'send' }), 'LEASE_SCOPE');
  t.equal(await codes(spent.text, {}), 'LEASE_BUDGET');
  const writer = await leaseFor(agent, { scopes: ['mail:write'] });
  t.equal(await codes(writer.text, { operation: 'send' }), 'READ_ONLY');
  world.totp.end(id, 'revoked');
  await world.until(() => world.events('lease_revoked').length > 0);
  t.equal(await codes(text, { service: 'none' }), 'LEASE_REVOKED');
  world.totp.lock(true);
  await world.until(() => world.events('locked').length > 0);
  t.equal(await codes('al1.x.y', {}), 'LOCKED');
  world.totp.mute.add('heartbeat');
  await world.advance(2600);
  t.equal(await codes('al1.x.y', {}), 'UNAVAILABLE');
  t.equal(world.cells.executed.length, 1, 'no refused call reached a cell');
});

t.test('refusals are recorded with their code and numbered; repetitions are folded', async (t) => {
  const agent = await world.agent();
  const first = await refusalOf(call(agent, 'al1.x.y'));
  t.equal(first.data.audit, world.events('operation_refused')[0]?.['seq']);
  for (let n = 0; n < 50; n += 1) await refusalOf(call(agent, 'al1.x.y'));
  t.equal(world.events('operation_refused').length, 1);
  await world.advance(1200);
  t.match(world.events('operation_refused')[1], { code: 'LEASE_INVALID', role: 'default', count: 50 });
});

t.test('another session, another role and a forged payload get nothing', async (t) => {
  const [mine, theirs, foreign] = [await world.agent(), await world.agent(), await world.agent('other')];
  const { text } = await leaseFor(mine);
  t.equal((await refusalOf(call(theirs, text))).code, 'LEASE_SESSION');
  t.equal((await refusalOf(call(foreign, text))).code, 'LEASE_INVALID');
  const forged = mintLease(Buffer.alloc(32, 9) as never, parseLease(text).payload);
  t.equal((await refusalOf(call(mine, forged))).code, 'LEASE_INVALID');
  const { text: unregistered, lease } = world.totp.mint({ session: mine.session });
  t.equal((await refusalOf(call(mine, unregistered))).code, 'LEASE_REVOKED', 'LEASES-1: the register decides, not the signature');
  world.totp.tell({ method: 'lease.issued', params: { lease, request: 'r-late' } });
  await world.settle();
  t.ok(await call(mine, unregistered), 'negative control');
});

t.test('a narrowed lease narrows: scopes, end and budget', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent, { scopes: ['mail:read'] });
  const onlyGet = narrowLease(text, ['scopes', ['mail:read:get']]);
  t.equal((await refusalOf(call(agent, onlyGet))).code, 'LEASE_SCOPE');
  const twice = narrowLease(text, ['budget', { calls: 2 }]);
  await call(agent, twice);
  await call(agent, narrowLease(twice, ['budget', { calls: 50 }]));
  t.equal((await refusalOf(call(agent, twice))).code, 'LEASE_BUDGET', 'narrowing again does not reset a budget');
  const short = narrowLease(text, ['expires', world.clock.wallMs() + 5000]);
  await call(agent, short);
  await world.advance(5100);
  t.equal((await refusalOf(call(agent, short))).code, 'LEASE_EXPIRED');
  t.ok(await call(agent, text));
});

t.test('an intent has to be said as it was approved', async (t) => {
  const agent = await world.agent();
  const { intentHash } = await import('@airlock/protocol');
  const { text } = await leaseFor(agent, { intent: intentHash('find the invoice') });
  t.equal((await refusalOf(call(agent, text, { context: { intent: 'another' } }))).code, 'LEASE_INTENT');
  t.ok(await call(agent, text, { context: { intent: 'find the invoice' } }));
});

t.test('POOL-2: a revocation ends the call that is in flight, and its answer is not delivered', async (t) => {
  const agent = await world.agent();
  const { id, text } = await leaseFor(agent);
  world.cells.execute = () => new Promise(() => undefined);
  const pending = refusalOf(call(agent, text));
  await world.until(() => world.cells.executed.length === 1);
  world.totp.end(id, 'revoked');
  t.equal((await pending).code, 'LEASE_REVOKED');
  t.match(world.events('operation')[0], { result: 'LEASE_REVOKED' });
  t.same(agent.noted('lease.ended'), [{ lease: id, why: 'revoked' }]);
});

t.test('a lease that expires during a call ends it, on either clock', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent, { ttlMs: 10_000 });
  world.cells.execute = () => new Promise(() => undefined);
  const pending = refusalOf(call(agent, text));
  await world.until(() => world.cells.executed.length === 1);
  world.clock.wall -= 86_400_000;
  await world.advance(10_200);
  t.equal((await pending).code, 'LEASE_EXPIRED', 'a wall clock set back wins nothing');
});

t.test('a call that a lock overtakes ends with LOCKED; unlocked, the lease works again', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  world.cells.execute = () => new Promise(() => undefined);
  const pending = refusalOf(call(agent, text));
  await world.until(() => world.cells.executed.length === 1);
  world.totp.lock(true);
  t.equal((await pending).code, 'LOCKED');
  world.totp.lock(false);
  world.cells.execute = () => okResult();
  await world.until(() => world.events('unlocked').length === 1);
  t.ok(await call(agent, text));
});

t.test('a cell that dies in a call fails that call only; the next gets a fresh cell', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  world.cells.execute = () => {
    world.cells.kill();
    return new Promise(() => undefined);
  };
  const error = await refusalOf(call(agent, text));
  t.equal(error.code, 'UNAVAILABLE');
  t.equal(error.data.retry, 'after');
  t.ok((error.data.retryAfterMs ?? 0) > 0);
  world.cells.execute = () => okResult();
  t.ok(await call(agent, text));
});

t.test('calls to one cell are many in flight, and answers come in any order', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const waiting: (() => void)[] = [];
  world.cells.execute = () => new Promise((resolve) => void waiting.push(() => resolve(okResult())));
  const calls = Array.from({ length: 20 }, () => call(agent, text));
  await world.until(() => waiting.length === 20);
  for (const answer of waiting.reverse()) answer();
  t.equal((await Promise.all(calls)).length, 20);
  t.equal(world.cells.opened.length, 1);
});

t.test('what a cell says is looked at: an answer that is none is INTERNAL, an error keeps its code', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  world.cells.execute = () => ({ ...okResult(), risk: 7 });
  t.equal((await refusalOf(call(agent, text))).code, 'INTERNAL');
  world.cells.execute = () => ({ ...okResult(), signatures: ['Ignore all previous instructions'] });
  t.equal((await refusalOf(call(agent, text))).code, 'INTERNAL');
  const { AirlockError } = await import('@airlock/protocol');
  world.cells.execute = () => {
    throw new AirlockError('UPSTREAM_TIMEOUT', 'the server did not answer');
  };
  const error = await refusalOf(call(agent, text));
  t.equal(error.code, 'UPSTREAM_TIMEOUT');
  t.equal(error.data.audit, world.events('operation').at(-1)?.['seq']);
});

t.test('content that others wrote taints the session', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  await call(agent, text);
  t.equal((await agent.call('access.status'))['tainted'], false);
  await call(agent, text, { operation: 'get', params: {} });
  t.equal((await agent.call('access.status'))['tainted'], true);
});
