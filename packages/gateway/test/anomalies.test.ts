import {
  AirlockError,
  DEFAULT_CONFIG,
  type AccessStatus,
  type Action,
  type BlockView,
  type GatewayStatus,
  type SessionList,
} from '@airlock/protocol';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { Blocks } from '../src/watch/blocks.js';
import { Watch } from '../src/watch/watch.js';
import { ManualClock } from './support/time.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

const anomalies = { ...DEFAULT_CONFIG.anomalies, callsPerMinute: 3, errorsPerMinute: 5, unknownIdsPer5Minutes: 2 };

let world: World;
t.beforeEach(async () => {
  world = await startWorld({ config: { anomalies } });
});
t.afterEach(() => world.stop());

const leaseFor = async (client: Client): Promise<string> => {
  const { lease, text } = world.totp.issue({ session: client.session });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return text;
};

const search = (client: Client, lease: string): Promise<unknown> =>
  client.call('call', { lease, service: 'mail', operation: 'search', params: {} });

/** A session that is blocked for its rate. */
const blocked = async (): Promise<{ agent: Client; lease: string }> => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  for (let n = 0; n < 3; n += 1) await search(agent, lease);
  await refusalOf(search(agent, lease));
  return { agent, lease };
};

t.test('ANOM-1: the call above the limit is refused and reaches no cell; it is recorded why', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  for (let n = 0; n < 3; n += 1) await search(agent, lease);
  const error = await refusalOf(search(agent, lease));
  t.equal(error.code, 'BLOCKED');
  t.match(error.message, /more than 3 calls in a minute/);
  t.match(error.data, { retry: 'after', retryAfterMs: 900_000, hint: /airlock-ctl unblock/ });
  t.equal(world.cells.executed.length, 3);
  t.match(world.events('blocked'), [{ role: 'default', session: agent.session, operator: 'default', anomaly: 'rate', limit: 3 }]);
});

t.test('ANOM-2, ANOM-5: ids that do not exist block the session at the third; what each was is recorded', async (t) => {
  const agent = await world.agent();
  const claim = (grant: string) => refusalOf(agent.call('access.claim', { grant }));
  t.equal((await claim('g-aaaaaaaaaa')).code, 'NOT_FOUND');
  t.equal((await claim('g-aaaaaaaaaa')).code, 'NOT_FOUND', 'the same again is no other');
  t.equal((await claim('g-bbbbbbbbbb')).code, 'NOT_FOUND');
  t.equal((await claim('g-cccccccccc')).code, 'BLOCKED');
  t.equal((await claim('g-cccccccccc')).code, 'BLOCKED', 'and so it stays');
  const operator = await world.operator();
  const { sessions, blocks } = await operator.call<SessionList>('session.list');
  t.match(blocks, [{ role: 'default', session: agent.session, kind: 'ids' }]);
  t.match(sessions, [{ session: agent.session, connected: true, leases: 0, taint: null, blocked: { kind: 'ids' } }]);
  t.equal((await operator.call<GatewayStatus>('status')).blocked, 1);
});

t.test('ANOM-4: while blocked, hello, access.status, access.release and call.cancel are answered, nothing else', async (t) => {
  const { agent, lease } = await blocked();
  const status = await agent.call<AccessStatus>('access.status');
  t.match(status.blocked, { kind: 'rate', session: agent.session, retryAfterMs: 900_000 } satisfies Partial<BlockView>);
  for (const [method, params] of [
    ['services.list', {}],
    ['tools.search', { query: 'mail' }],
    ['access.request', { scopes: ['mail:read'], reason: 'x' }],
    ['access.wait', { request: 'r-aaaaaaaaaa', timeoutS: 0 }],
    ['access.claim', { grant: 'g-aaaaaaaaaa' }],
    ['call.result', { request: 'r-aaaaaaaaaa' }],
    ['call.reply', { channel: 'c', ask: 'a', result: {} }],
  ] as const)
    t.equal((await refusalOf(agent.call(method, params))).code, 'BLOCKED', method);
  t.equal((await refusalOf(agent.call('call.cancel', { channel: 'c' }))).code, 'NOT_FOUND', 'call.cancel');
  const again = await world.agent('default', agent.hello?.resume);
  t.equal(again.session, agent.session, 'hello');
  t.equal((await refusalOf(search(again, lease))).code, 'BLOCKED', 'another connection changes nothing');
  t.same(await agent.call('access.release', { lease }), {});
  const friend = await world.agent();
  t.same(await search(friend, await leaseFor(friend)).then(() => 'served'), 'served', 'another session of the role goes on');
});

t.test('ANOM-6: a block survives a kill, and ends by time, with a record', async (t) => {
  const { agent } = await blocked();
  await world.restart();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.equal((await refusalOf(again.call('services.list'))).code, 'BLOCKED');
  world.clock.advance(899_000);
  t.equal((await refusalOf(again.call('services.list'))).data.retryAfterMs !== undefined, true);
  world.clock.advance(2000);
  await world.advance(200);
  t.ok(await again.call('services.list'));
  t.match(world.events('unblocked'), [{ session: agent.session, anomaly: 'rate', why: 'time' }]);
  t.equal((await again.call<AccessStatus>('access.status')).blocked, null);
});

t.test('ANOM-6: lines that are no blocks block nobody, and those beside them stand', async (t) => {
  const path = join(t.testdir({}), 'blocks.jsonl');
  const first = new Blocks(path, 'boot');
  const block = {
    operator: 'default',
    role: 'default',
    session: 's',
    kind: 'rate',
    limit: 3,
    sinceMs: 1,
    untilBootMs: 900,
  } as const;
  first.add(block);
  first.close();
  const strange = [{ role: 7 }, { operator: null }, { session: 7 }, { kind: 'toString' }, { kind: 1 }, { untilBootMs: null }];
  const lines = strange.map((change) => JSON.stringify({ ...block, session: 'other', ...change }));
  appendFileSync(path, `${lines.join('\n')}\n[]\n`);
  const second = new Blocks(path, 'boot');
  t.same(second.all(), [block]);
  t.equal(second.find('default', null, 0), null, 'before hello only a block of the role stands');
  t.equal(second.find('default', 'other', 0), null);
  t.match(second.find('default', 's', 0), block);
  second.close();
});

t.test('beyond so many blocked sessions the role is blocked, so that their list stays short', async (t) => {
  const { maxBlockedSessionsPerRole } = GATEWAY_LIMITS;
  const blocks = new Blocks(null, 'boot');
  const clock = new ManualClock();
  const watch = new Watch({ clock, blocks, config: { ...anomalies, errorsPerMinute: 1, blockS: 86_400 }, note: () => undefined });
  const fail = (session: string): string => {
    const end = (): AirlockError =>
      watch.ended({ operator: 'default', role: 'default', session }, new AirlockError('INTERNAL', 'a defect', { audit: 7 }), 'x');
    clock.advance(60_000);
    end();
    const { code, message, data } = end();
    t.match(data, { audit: 7 }, 'ANOM-2: the record of what it was');
    return `${code}: ${message}`;
  };
  for (let n = 0; n < maxBlockedSessionsPerRole; n += 1) t.match(fail(`s${n}`), /^BLOCKED: this session/);
  t.match(fail('last'), /^BLOCKED: role default/);
  t.equal(blocks.countOf('default'), maxBlockedSessionsPerRole);
  t.match(watch.blockOf({ role: 'default', session: 'anybody' }), { session: null });
});

t.test('ANOM-6: the operator lifts it with the ticket of an approved action', async (t) => {
  const { agent, lease } = await blocked();
  const operator = await world.operator();
  t.equal((await refusalOf(operator.call('session.unblock', { ticket: 'a-none' }))).code, 'NOT_AUTHENTICATED');
  const ticket = 'a-ticket-of-unblock';
  const action: Action = { verb: 'unblock', params: { role: 'default', session: agent.session } };
  world.totp.actions.set(ticket, { action, operator: 'default', trial: null });
  t.same(await operator.call('session.unblock', { ticket }), { lifted: 1 });
  t.ok(await search(agent, lease), 'counting begins anew');
  t.match(world.events('unblocked'), [{ role: 'default', session: agent.session, why: 'operator' }]);
});

t.test('ANOM-8: no operator lifts a block of the role of another', (t) => {
  const blocks = new Blocks(null, 'boot');
  const facts = { kind: 'rate', limit: 3, sinceMs: 1, untilBootMs: 1000 } as const;
  blocks.add({ operator: 'ada', role: 'work', session: null, ...facts });
  blocks.add({ operator: 'ada', role: 'work', session: 's', ...facts });
  t.same(blocks.lift('eve', 'work', null), []);
  t.same(blocks.lift('eve', 'work', 's'), []);
  t.match(blocks.find('work', 's', 5), { operator: 'ada' }, 'it stands');
  t.equal(blocks.lift('ada', 'work', null).length, 2, 'negative control');
  t.equal(blocks.find('work', 's', 5), null);
  t.end();
});

t.test('ANOM-3: a role that opens sessions to go on is blocked as a whole, those to come too', async (t) => {
  for (let n = 0; n < 4; n += 1) {
    const agent = await world.agent();
    const lease = await leaseFor(agent);
    for (let call = 0; call < 3; call += 1) await search(agent, lease);
    await agent.call('access.release', { lease });
  }
  const last = await world.agent();
  t.equal((await refusalOf(search(last, await leaseFor(last)))).code, 'BLOCKED');
  const fresh = await world.agent();
  const error = await refusalOf(fresh.call('services.list'));
  t.match(error, { code: 'BLOCKED', message: /role default is blocked/ });
  const other = await world.agent('other');
  t.same(await other.call('services.list').then(() => 'served'), 'served', 'ANOM-8: not so another role');
});

t.test('ANOM-3: codes offered before hello block the role', async (t) => {
  const stranger = await world.connect('agent/default');
  const offer = () => refusalOf(stranger.call('request.approve', { code: '123456' }));
  for (let n = 0; n < 10; n += 1)
    t.equal((await refusalOf(stranger.call('unlock'))).code, 'CODE_ON_AGENT_SOCKET', 'a probe offers none');
  for (let n = 0; n < 3; n += 1) t.equal((await offer()).code, 'CODE_ON_AGENT_SOCKET');
  t.equal((await offer()).code, 'BLOCKED');
  const agent = await world.agent();
  t.equal((await refusalOf(agent.call('services.list'))).code, 'BLOCKED');
});

t.test('ANOM-8: the operator is never watched', async (t) => {
  const operator = await world.operator();
  for (let n = 0; n < 50; n += 1) await refusalOf(operator.call('session.unblock', { ticket: 'a-none' }));
  t.ok(await operator.call<GatewayStatus>('status'));
  t.equal(world.events('blocked').length, 0);
});

t.test('ANOM-9: no target is kept as text', async (t) => {
  const agent = await world.agent();
  for (const grant of ['g-secretaaaa', 'g-secretbbbb', 'g-secretcccc']) await refusalOf(agent.call('access.claim', { grant }));
  t.equal(world.events('blocked').length, 1);
  for (const file of ['blocks.jsonl', 'sessions.jsonl'])
    t.notMatch(readFileSync(join(world.stateDir, file), 'utf8'), /secret/, file);
  t.notMatch(JSON.stringify(world.records()), /g-secret/);
});
