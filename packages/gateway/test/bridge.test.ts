/** What airlock-totp tells, and what becomes of a connection to it that says something else. BRIDGE-2 to BRIDGE-4, BRIDGE-7. */
import { mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '@airlock/ipc';
import { FRAME, packBlobs, type AccessStatus, type GatewayStatus } from '@airlock/protocol';
import { encodeEarlier } from '@airlock/lease';
import t from 'tap';
import { readKeysFrame } from '../src/bridge/keys-frame.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

let world: World;
t.beforeEach(async () => {
  world = await startWorld();
});
t.afterEach(() => world.stop());

const search = (agent: Client, lease: string): Promise<unknown> =>
  agent.call('call', { lease, service: 'mail', operation: 'search', params: {} });
const issued = (lease: { readonly id: string }): Promise<void> =>
  world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
const hellos = (): number => world.totp.calls.filter((name) => name === 'hello').length;

t.test('BRIDGE-7: a frame is the keys whole, or nothing of it is used', async (t) => {
  const key = Buffer.alloc(32, 5);
  const frame = (): Buffer => Buffer.concat([packBlobs(key, Buffer.from('kid-1')), encodeEarlier([])]);
  t.match(readKeysFrame(FRAME.LEASE_KEY, frame()), { kid: 'kid-1', keys: { current: key, earlier: [] } });
  const used = frame();
  readKeysFrame(FRAME.LEASE_KEY, used);
  t.ok(
    used.every((byte) => byte === 0),
    'the frame is wiped',
  );
  t.equal(readKeysFrame(FRAME.LEASE_KEY + 1, frame()), null, 'another type');
  t.equal(readKeysFrame(FRAME.LEASE_KEY, Buffer.alloc(33)), null, 'too short for a key and a length');
  const cut = frame().subarray(0, 36);
  t.equal(readKeysFrame(FRAME.LEASE_KEY, cut), null, 'an id longer than the frame');
  t.equal(readKeysFrame(FRAME.LEASE_KEY, Buffer.concat([frame(), Buffer.from([1])])), null, 'earlier keys that are none');
});

t.test('BRIDGE-7: airlock-totp that sends what is no key is hung up on and greeted anew', async (t) => {
  const agent = await world.agent();
  const { lease, text } = world.totp.issue({ session: agent.session });
  await issued(lease);
  const before = hellos();
  world.totp.connection?.sendBinary(FRAME.LEASE_KEY, Buffer.alloc(8));
  await world.settle();
  await world.advance(500);
  t.equal(hellos(), before + 1);
  t.ok(await search(agent, text), 'and serves as before');
});

t.test('BRIDGE-3: a lease told before the answer to hello was acted on lives', async (t) => {
  const agent = await world.agent();
  await world.totp.close();
  const { lease, text } = world.totp.mint({ session: agent.session });
  // Not in the list of the answer, which was made before it was issued.
  world.totp.leases.delete(lease.id);
  world.totp.onHello = (connection: Connection) => connection.notify('lease.issued', { lease, request: 'r-early' });
  await world.advance(300);
  await world.totp.listen(world.path('bridge.sock'));
  await world.advance(1000);
  t.ok(await search(agent, text));
  t.same(agent.noted('lease.ended'), []);
});

t.test('a lease is not released before airlock-totp was heard of', async (t) => {
  await world.stop();
  world = await startWorld({ withoutTotp: true });
  const agent = await world.agent();
  const refusal = await refusalOf(agent.call('access.release', { lease: world.totp.mint({ session: agent.session }).text }));
  t.equal(refusal.code, 'UNAVAILABLE');
  t.match(refusal.message, /airlock-totp does not answer/);
});

t.test('PRESENCE-11: what presence freezes and thaws is recorded, and shown to agents', async (t) => {
  const agent = await world.agent();
  const { lease, text } = world.totp.issue({ session: agent.session });
  await issued(lease);
  const tell = (presence: ('idle' | 'sleep')[]): Promise<void> => {
    world.totp.tell({ method: 'locked', params: { operator: 'default', locked: false, presence } });
    return world.settle();
  };
  await tell(['idle']);
  await tell(['idle', 'sleep']);
  t.same(
    world.events('presence_frozen').map(({ why }) => why),
    [['idle'], ['sleep']],
    'each reason once',
  );
  t.match(await agent.call<AccessStatus>('access.status'), { locked: true, frozen: ['idle', 'sleep'] });
  t.equal((await refusalOf(search(agent, text))).code, 'LOCKED');
  await tell(['sleep']);
  t.equal(world.events('presence_thawed').length, 0, 'not yet');
  await tell([]);
  t.equal(world.events('presence_thawed').length, 1);
  t.ok(await search(agent, text));
  t.notOk('frozen' in (await agent.call('access.status')));
});

t.test('the end of a lease whose session is not known is recorded, and nobody is told', async (t) => {
  const agent = await world.agent();
  const { lease } = world.totp.issue({ session: 's-forgotten' });
  await issued(lease);
  world.totp.end(lease.id, 'revoked');
  await world.until(() => world.events('lease_revoked').length === 1, 'the end');
  t.match(world.events('lease_revoked')[0], { lease: lease.id, session: 's-forgotten' });
  t.same(agent.noted('lease.ended'), []);
});

t.test('no cell is opened ahead for a service that is gone, and none twice for a lease that is told twice', async (t) => {
  const agent = await world.agent();
  const { lease } = world.totp.issue({ session: agent.session, scopes: ['gone:read', 'mail:read'] });
  await world.until(() => world.cells.opened.length === 1, 'the cell');
  await world.settle();
  world.totp.tell({ method: 'lease.issued', params: { lease, request: 'r-none' } });
  await world.until(() => world.events('lease_issued').length === 2, 'the news');
  await world.settle();
  t.same(
    world.cells.opened.map(({ params }) => params.service),
    ['mail'],
  );
});

t.test('a tick that fails is told of and hinders no later one', async (t) => {
  const [agent, operator] = [await world.agent(), await world.operator()];
  await operator.call('audit.follow');
  const dir = join(world.stateDir, 'audit');
  const [segment = ''] = readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
  renameSync(join(dir, segment), join(dir, 'away'));
  mkdirSync(join(dir, segment));
  await world.advance(100);
  rmdirSync(join(dir, segment));
  renameSync(join(dir, 'away'), join(dir, segment));
  t.match(world.logs.at(-1), /^a tick failed: /);
  await refusalOf(agent.call('access.request', { scopes: ['none'], reason: 'x' }));
  await world.advance(200);
  await world.until(() => operator.noted('audit.record').length > 0, 'the next tick');
});

t.test('a gateway that was closed leaves no timer behind', async (t) => {
  await world.agent();
  t.ok(world.timers.armed > 0, 'negative control');
  await world.gateway?.close();
  await world.settle();
  await world.advance(2000);
  t.equal(world.timers.armed, 0);
});

t.test('ACCEPT-4: told that its log is to begin anew, it asks to be started again, once', async (t) => {
  const id = 'ab'.repeat(9);
  const begunAnew = { id, size: 5, hash: '00'.repeat(32) };
  await world.gateway?.close();
  world.totp.helloMore = { begunAnew };
  await world.start();
  await world.until(() => world.restarts === 1, 'the restart');
  t.ok(world.logs.some((line) => /begins anew, as root accepted with a code/.test(line)));
  await world.restart();
  await world.up();
  t.equal(world.restarts, 1, 'carried out once');
  t.match(world.records()[0], { event: 'log_begun', accepted: id, after: 5 });
});

t.test('ACCEPT-8: a decision that cannot be kept: nothing is signed or served, and it is tried again', async (t) => {
  const begunAnew = { id: 'cd'.repeat(9), size: 5, hash: '00'.repeat(32) };
  const temporary = join(world.stateDir, 'audit-anew.json.tmp');
  mkdirSync(temporary);
  await world.gateway?.close();
  world.totp.helloMore = { begunAnew };
  world.totp.head = null;
  await world.start();
  const operator = await world.operator();
  await world.until(() => world.logs.some((line) => /the log cannot begin anew/.test(line)), 'the refusal');
  const { sealed } = await operator.call<GatewayStatus>('status');
  t.match(sealed, { code: 'AUDIT_UNAVAILABLE', message: /the log cannot begin anew/ });
  await t.rejects(operator.call('audit.checkpoint'), { code: 'AUDIT_UNAVAILABLE' });
  await world.advance(1500);
  t.equal(world.totp.head, null, 'the old log is not signed as the new one');
  t.equal(world.restarts, 0, 'negative control');
  rmdirSync(temporary);
  await world.advanceUntil(() => world.restarts === 1);
});

t.test('BRIDGE-8: each hello tells the newest head of the log, and by which decision it began', async (t) => {
  const told: object[] = [];
  world.totp.answers.set('hello', (params) => void told.push(params));
  await world.advanceUntil(() => world.totp.head !== null);
  const newest = world.totp.head;
  await world.restart();
  await world.up();
  t.same(told.at(-1), { protocol: 1, head: newest });
  const begunAnew = { id: 'ab'.repeat(9), size: 5, hash: '00'.repeat(32) };
  world.totp.helloMore = { begunAnew };
  await world.restart();
  await world.until(() => world.restarts === 1, 'the restart');
  t.match(told.at(-1), { begunAnew: undefined }, 'negative control: not before it has begun');
  await world.restart();
  await world.up();
  t.same(told.at(-1), { protocol: 1, begunAnew: begunAnew.id }, 'a new log, and no head of it yet');
});

t.test('ENROL-8: when another phone is enrolled, what is stored is wrapped for it', async (t) => {
  const wrapped = Buffer.alloc(60, 9).toString('base64url');
  world.totp.answers.set('record.rewrap', () => ({ wrapped }));
  let told: object = {};
  world.totp.answers.set('records.rewrapped', (params) => ((told = params), {}));
  world.totp.tell({ method: 'enrolled', params: { operator: 'default', enrolled: false } });
  await world.settle();
  t.notOk(world.totp.calls.includes('record.rewrap'), 'negative control: a phone that was taken away');
  world.totp.tell({ method: 'enrolled', params: { operator: 'default', enrolled: true } });
  await world.until(() => world.totp.calls.includes('records.rewrapped'), 'the keys');
  t.match(told, { operator: 'default', records: [{ wrapped }] });
});

t.test('ENROL-8: what was not wrapped before a restart is wrapped after the next hello', async (t) => {
  const operators = [{ operator: 'default', enrolled: true, locked: false, rewrap: true }];
  world.totp.helloMore = { operators };
  t.notOk(world.totp.calls.includes('record.rewrap'), 'negative control');
  await world.restart();
  await world.until(() => world.totp.calls.includes('records.rewrapped'), 'the keys');
  t.ok(world.totp.calls.includes('record.rewrap'));
});

t.test('a grant that was taken back is recorded and no longer listed; one that is not known is nothing', async (t) => {
  const agent = await world.agent();
  world.totp.grant({ id: 'g-mail' });
  await world.settle();
  const listed = async (): Promise<number> => (await agent.call<AccessStatus>('access.status')).grants.length;
  t.equal(await listed(), 1);
  for (const grant of ['g-unknown', 'g-mail', 'g-mail'])
    world.totp.tell({ method: 'grant.ended', params: { grant, why: 'revoked' } });
  await world.settle();
  t.equal(await listed(), 0);
  t.match(world.events('grant_ended'), [{ grant: 'g-mail', operator: 'default', role: 'default', why: 'revoked' }]);
});
