import type { CallResult, GatewayStatus } from '@airlock/protocol';
import t from 'tap';
import { SlotLedger } from '../src/cells/slots.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World, type WorldOptions } from './support/world.js';

let world: World;
const begin = async (options: WorldOptions = {}): Promise<void> => {
  world = await startWorld(options);
};
t.afterEach(() => world.stop());

const call = (client: Client, lease: string, service = 'mail'): Promise<CallResult> =>
  client.call<CallResult>('call', { lease, service, operation: 'search', params: {} });

const leaseFor = async (client: Client, scopes: string[], spec: object = {}): Promise<{ id: string; text: string }> => {
  const { lease, text } = world.totp.issue({ session: client.session, scopes, ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id));
  return { id: lease.id, text };
};

t.test('at most two cells are opened ahead, others at their first call', async (t) => {
  await begin({ services: ['a', 'b', 'c'] });
  const agent = await world.agent();
  const { id, text } = await leaseFor(agent, ['a:read', 'b:read', 'c:read']);
  await world.until(() => world.cells.opened.length === 2);
  await world.settle();
  t.same(world.cells.opened.map(({ params }) => params.service).sort(), ['a', 'b']);
  t.ok(world.cells.opened.every(({ params }) => params.lease === id));
  await call(agent, text, 'c');
  await call(agent, text, 'a');
  t.equal(world.cells.opened.length, 3, 'and what is open is used');
});

t.test('POOL-1: two leases of one service have two cells', async (t) => {
  await begin();
  const agent = await world.agent();
  const [first, second] = [await leaseFor(agent, ['mail:read']), await leaseFor(agent, ['mail:read'])];
  await call(agent, first.text);
  await call(agent, second.text);
  t.equal(new Set(world.cells.opened.map(({ slot }) => slot)).size, 2);
});

t.test('an idle cell closes after a minute and is opened by a new release', async (t) => {
  await begin();
  const agent = await world.agent();
  const { text } = await leaseFor(agent, ['mail:read']);
  await call(agent, text);
  world.clock.advance(59_000);
  await world.advance(100);
  t.equal(world.cells.live.length, 1, 'negative control');
  world.clock.advance(2000);
  await world.advance(200);
  await world.until(() => world.cells.live.length === 0);
  const tickets = world.totp.calls.filter((name) => name === 'ticket.create').length;
  await call(agent, text);
  t.equal(world.totp.calls.filter((name) => name === 'ticket.create').length, tickets + 1);
});

t.test('an old cell is replaced before its unit ends it; its last calls finish', async (t) => {
  await begin();
  const agent = await world.agent();
  const { text } = await leaseFor(agent, ['mail:read']);
  let answer: () => void = () => undefined;
  world.cells.execute = () => new Promise((resolve) => (answer = () => resolve(okResult())));
  const slow = call(agent, text);
  await world.until(() => world.cells.executed.length === 1);
  world.clock.advance(14 * 60_000);
  const finish = answer;
  world.cells.execute = () => okResult();
  await call(agent, text);
  t.equal(world.cells.opened.length, 2, 'a fresh cell');
  finish();
  t.ok(await slow);
  await world.advance(200);
  await world.until(() => world.cells.live.length === 1);
  t.pass('the old one is gone');
});

t.test('a service that was revoked from under its opening never opens', async (t) => {
  await begin();
  const agent = await world.agent();
  world.totp.mute.add('ticket.create');
  const { id, text } = await leaseFor(agent, ['mail:read']);
  const pending = refusalOf(call(agent, text));
  await world.settle();
  world.totp.end(id, 'revoked');
  await world.until(() => world.events('lease_revoked').length === 1);
  t.equal((await pending).code, 'LEASE_REVOKED', 'at once');
  t.equal(world.cells.opened.length, 0);
});

t.test('CALL-9: a call whose cell died of the end of its lease says so, though the cell was quicker than the news', async (t) => {
  await begin();
  const agent = await world.agent();
  for (const why of ['revoked', 'expired', null] as const) {
    world.cells.execute = () => okResult();
    const { id, text } = await leaseFor(agent, ['mail:read']);
    await call(agent, text);
    world.cells.execute = () => new Promise(() => undefined);
    const before = world.cells.executed.length;
    const pending = refusalOf(call(agent, text));
    await world.until(() => world.cells.executed.length === before + 1);
    world.cells.kill();
    if (why !== null) world.totp.end(id, why);
    const expected = why === null ? 'UNAVAILABLE' : why === 'revoked' ? 'LEASE_REVOKED' : 'LEASE_EXPIRED';
    t.equal((await pending).code, expected, why ?? 'negative control: a lease that lives');
  }
});

t.test('a slot that does not answer is given up after five seconds, and free again', async (t) => {
  await begin();
  const agent = await world.agent();
  world.cells.open = () => new Promise(() => undefined);
  const { text } = await leaseFor(agent, ['mail:read']);
  const pending = refusalOf(call(agent, text));
  await world.until(() => world.cells.opened.length === 1);
  await world.advance(5200);
  t.equal((await pending).code, 'UNAVAILABLE');
  world.cells.open = () => ({});
  t.ok(await call(agent, text));
});

t.test('what a cell says when it cannot open is what the agent hears', async (t) => {
  await begin();
  const agent = await world.agent();
  const { AirlockError } = await import('@airlock/protocol');
  world.cells.open = () => {
    throw new AirlockError('VAULT_UNREADABLE', 'the record is of another service');
  };
  const { text } = await leaseFor(agent, ['mail:read']);
  t.equal((await refusalOf(call(agent, text))).code, 'VAULT_UNREADABLE');
  world.totp.refuse.set('ticket.create', new AirlockError('LEASE_EXPIRED', 'the lease does not live any more'));
  t.equal((await refusalOf(call(agent, text))).code, 'LEASE_EXPIRED', 'the register of airlock-totp decides');
});

t.test('SLOT-1, SLOT-2: six slots a role, one kept for the operator', async (t) => {
  const names = Array.from({ length: 9 }, (_, n) => `s${n}`);
  await begin({ services: names, slots: 9 });
  const [agent, other] = [await world.agent(), await world.agent('other')];
  const { text } = await leaseFor(
    agent,
    names.slice(0, 7).map((name) => `${name}:read`),
  );
  for (const name of names.slice(0, 6)) await call(agent, text, name);
  const seventh = await refusalOf(call(agent, text, 's6'));
  t.equal(seventh.code, 'UNAVAILABLE');
  t.match(seventh.message, /role default has 6 cells/);
  t.ok((seventh.data.retryAfterMs ?? 0) > 0);
  const theirs = await leaseFor(other, ['s0:read', 's1:read', 's2:read'], { role: 'other' });
  await call(other, theirs.text, 's0');
  await call(other, theirs.text, 's1');
  t.equal((await refusalOf(call(other, theirs.text, 's2'))).code, 'UNAVAILABLE');
  const operator = await world.operator();
  const { session } = await operator.call<{ session: string }>('hello', { client: 'ctl', protocol: 1 });
  const { lease, text: mine } = world.totp.issue({ session, role: 'operator', scopes: ['s8:read'] });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id));
  t.ok(await call(operator, mine, 's8'), 'the operator gets the last');
  t.match((await operator.call<GatewayStatus>('status')).cells, { live: 9, slots: 9 });
});

t.test('the ledger of slots: a freed one is the last to be taken again', async (t) => {
  await begin();
  const slots = new SlotLedger(4);
  const holder = { role: 'default', operator: 'default' };
  t.equal(slots.take(holder), 0);
  slots.free(0);
  t.equal(slots.take(holder), 1);
  t.equal(slots.inUse, 1);
  t.equal(new SlotLedger(1).take(holder), 0, 'a single slot is nobody’s reserve');
});

t.test('BRIDGE-2: cut off for two seconds, cells close and nothing is served; heard again, all goes on', async (t) => {
  await begin();
  const agent = await world.agent();
  const { text } = await leaseFor(agent, ['mail:read']);
  await call(agent, text);
  world.totp.mute.add('heartbeat');
  await world.advance(1500);
  t.ok(await call(agent, text), 'not yet');
  await world.advance(1200);
  await world.until(() => world.cells.live.length === 0);
  const refusal = await refusalOf(call(agent, text));
  t.equal(refusal.code, 'UNAVAILABLE');
  t.match(refusal.data.hint, /doctor/);
  t.equal((await refusalOf(agent.call('access.request', { scopes: ['mail'], reason: 'x' }))).code, 'UNAVAILABLE');
  world.totp.mute.delete('heartbeat');
  await world.advance(800);
  t.ok(await call(agent, text));
});

t.test('BRIDGE-3: airlock-totp restarts; what it no longer lists has ended, what it lists goes on', async (t) => {
  await begin();
  const agent = await world.agent();
  const [kept, gone] = [await leaseFor(agent, ['mail:read']), await leaseFor(agent, ['mail:read'])];
  await world.totp.close();
  world.totp.leases.delete(gone.id);
  await world.advance(400);
  await world.totp.listen(world.path('bridge.sock'));
  await world.advance(1000);
  t.ok(await call(agent, kept.text));
  t.equal((await refusalOf(call(agent, gone.text))).code, 'LEASE_REVOKED');
  t.same(agent.noted('lease.ended'), [{ lease: gone.id, why: 'revoked' }]);
});

t.test('a gateway that never heard of airlock-totp starts, says so, and serves once it comes', async (t) => {
  await begin({ withoutTotp: true });
  const [agent, operator] = [await world.agent(), await world.operator()];
  t.equal((await operator.call<GatewayStatus>('status')).heartbeatAgeMs, null);
  t.equal((await refusalOf(call(agent, 'al1.x.y'))).code, 'UNAVAILABLE');
  await world.totp.listen(world.path('bridge.sock'));
  await world.up();
  t.equal((await refusalOf(call(agent, 'al1.x.y'))).code, 'LEASE_INVALID');
});

t.test('a restart of the gateway keeps live leases usable', async (t) => {
  await begin();
  const agent = await world.agent();
  const { text } = await leaseFor(agent, ['mail:read']);
  await call(agent, text);
  await world.restart();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.ok(await call(again, text));
});
