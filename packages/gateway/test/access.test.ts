import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { narrowLease } from '@airlock/lease';
import {
  AirlockError,
  DEFAULT_CONFIG,
  type AccessRequestResult,
  type AccessStatus,
  type AccessWaitResult,
  type ServiceSummary,
} from '@airlock/protocol';
import t from 'tap';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

let world: World;
t.beforeEach(async () => {
  // Codes in every place they could be tried at are more than an agent may offer.
  world = await startWorld({ config: { anomalies: { ...DEFAULT_CONFIG.anomalies, codesPerHour: 1000 } } });
});
t.afterEach(() => world.stop());

const ask = (client: Client, change: object = {}): Promise<AccessRequestResult> =>
  client.call<AccessRequestResult>('access.request', { scopes: ['mail'], reason: 'find the invoice', ...change });
const wait = (client: Client, request: string, timeoutS = 0): Promise<AccessWaitResult> =>
  client.call<AccessWaitResult>('access.wait', { request, timeoutS });

t.test('nothing is permitted before hello', async (t) => {
  const client = await world.connect('agent/default');
  for (const [method, params] of [
    ['services.list', {}],
    ['call', { lease: 'x', service: 'mail', operation: 'search', params: {} }],
    ['access.status', {}],
  ] as const) {
    t.equal((await refusalOf(client.call(method, params))).code, 'NOT_AUTHENTICATED', method);
  }
});

t.test('SESSION-1, SESSION-2: a session is taken up with its own secret, on its own role', async (t) => {
  const first = await world.agent();
  const second = await world.agent('default', first.hello?.resume);
  t.equal(second.session, first.session);
  for (const [role, resume] of [
    ['default', 'A'.repeat(43)],
    ['other', first.hello?.resume],
  ] as const) {
    const client = await world.connect(`agent/${role}`);
    const refusal = await refusalOf(client.call('hello', { client: 'x', protocol: 1, resume }));
    t.equal(refusal.code, 'NOT_AUTHENTICATED');
  }
  t.notMatch(JSON.stringify(world.records()), first.hello?.resume ?? '-', 'JOURNAL-3');
  t.equal((await refusalOf(first.call('hello', { client: 'x', protocol: 1 }))).code, 'NOT_AUTHENTICATED', 'once a connection');
});

t.test('a socket whose role is not configured serves nobody', async (t) => {
  const client = await world.connect('agent/ghost');
  t.equal((await refusalOf(client.call('hello', { client: 'x', protocol: 1 }))).code, 'CONFIG_INVALID');
});

t.test('services.list and tools show what the role may ever get, and nothing else', async (t) => {
  const agent = await world.agent();
  const services = await agent.call<ServiceSummary[]>('services.list');
  t.equal(services.length, 1);
  t.same(
    services[0]?.operations.map(({ name }) => name),
    ['search', 'get'],
  );
  const found = await agent.call<{ name: string; service: string; params: object }[]>('tools.search', { query: 'mail search' });
  t.equal(found[0]?.name, 'search');
  t.ok(found[0]?.params);
  t.same(await agent.call('tools.search', { query: 'zzz' }), []);
  const described = await agent.call<{ name: string }[]>('tools.describe', { names: ['mail.get'] });
  t.equal(described[0]?.name, 'get');
  t.equal((await refusalOf(agent.call('tools.describe', { names: ['mail.send'] }))).code, 'OPERATION_UNKNOWN');
});

t.test('what no approval could allow is refused at once, and no human sees it', async (t) => {
  const agent = await world.agent();
  const cases: [object, string, object][] = [
    [{ scopes: ['gmail'] }, 'SERVICE_UNKNOWN', { expected: 'mail' }],
    [{ scopes: ['mail:write'] }, 'READ_ONLY', {}],
    [{ scopes: ['mail:read:nope'] }, 'OPERATION_UNKNOWN', { expected: 'search, get' }],
    [{ scopes: ['mail:sudo'] }, 'PARAMS_INVALID', { field: 'params.scopes' }],
    [{ ttlS: 40_000 }, 'CONSTRAINT', { field: 'params.ttlS', expected: 'at most 28800', found: '40000' }],
    [
      { constraints: { senders: ['x'] } },
      'CONSTRAINT',
      { field: 'params.constraints.senders', expected: /calls.*folders, maxResults/ },
    ],
    [{ scopes: ['mail:read:get'], constraints: { folders: ['x'] } }, 'CONSTRAINT', { field: 'params.constraints.folders' }],
    [{ constraints: { folders: 'x' } }, 'PARAMS_INVALID', { field: 'params.constraints.folders' }],
    [{ constraints: { calls: 0 } }, 'CONSTRAINT', {}],
    [{ constraints: { calls: 1.5 } }, 'CONSTRAINT', {}],
    [{ renew: 'l-nothing' }, 'NOT_FOUND', { field: 'params.renew' }],
  ];
  for (const [change, code, data] of cases) {
    const refusal = await refusalOf(ask(agent, change));
    t.equal(refusal.code, code, JSON.stringify(change));
    t.match(refusal.data, data);
  }
  t.equal(world.totp.requests.length, 0);
  t.equal(world.events('access_requested').length, 0);
});

t.test('constraints that an operation of the scopes enforces are put before the human in their canonical form', async (t) => {
  const agent = await world.agent();
  await ask(agent, { constraints: { folders: ['b', 'a', 'b'], maxResults: 3, calls: 2 } });
  t.match(world.totp.requests.at(-1)?.params, { constraints: { folders: ['a', 'b'], maxResults: 3 }, budget: { calls: 2 } });
});

t.test('ask, wait, approved: the lease is delivered once, to the session that asked', async (t) => {
  const agent = await world.agent();
  const asked = await ask(agent, { constraints: { calls: 3 }, ttlS: 600 });
  t.match(asked, { status: 'pending', match: '07', position: 0 });
  t.match(world.totp.requests[0]?.params, { scopes: ['mail:read'], ttlS: 600, budget: { calls: 3 }, constraints: {} });
  t.match(world.totp.requests[0]?.params, { client: 'test' }, 'IDENTITY-1');
  t.match(world.events('access_requested')[0], {
    role: 'default',
    client: 'test',
    reason: 'find the invoice',
    scopes: ['mail:read'],
  });
  t.equal((await wait(agent, asked.request)).status, 'pending');
  const stranger = await world.agent();
  t.equal((await refusalOf(wait(stranger, asked.request))).code, 'NOT_FOUND');
  const waits = [wait(agent, asked.request, 50), wait(agent, asked.request, 50)];
  await world.settle();
  world.totp.decide('approved');
  const results = await Promise.all(waits);
  t.equal(results.filter(({ lease }) => lease !== undefined).length, 1, 'BOARD-1');
  t.equal((await wait(agent, asked.request)).lease, undefined);
  t.same(agent.noted('access.decided'), [{ request: asked.request, status: 'approved' }]);
  const status = await agent.call<AccessStatus>('access.status');
  t.match(status.leases, [{ scopes: ['mail:read'], callsLeft: 3 }]);
  t.same(status.pending, []);
  t.equal((await stranger.call<AccessStatus>('access.status')).leases.length, 0);
});

t.test('denied and expired requests say so, with the reason of the human', async (t) => {
  const agent = await world.agent();
  const first = await ask(agent);
  t.equal((await agent.call<AccessStatus>('access.status')).pending.length, 1);
  world.totp.decide('denied', 'not now');
  await world.until(() => agent.noted('access.decided').length === 1);
  t.same(await wait(agent, first.request), { status: 'denied', reason: 'not now' });
  t.match(world.events('access_denied')[0], { request: first.request, role: 'default' });
  const second = await ask(agent, { reason: 'again' });
  world.totp.decide('expired');
  await world.until(() => agent.noted('access.decided').length === 2);
  t.equal((await wait(agent, second.request)).status, 'expired');
});

t.test('a wait ends with its time, by one timer', async (t) => {
  const agent = await world.agent();
  const { request } = await ask(agent);
  const pending = wait(agent, request, 5);
  await world.settle();
  await world.advance(5100);
  t.equal((await pending).status, 'pending');
  t.equal((await refusalOf(wait(agent, request, 51))).code, 'PARAMS_INVALID');
});

t.test('what was decided while airlock-totp was away is found after the reconnect', async (t) => {
  const agent = await world.agent();
  const { request } = await ask(agent);
  await world.totp.close();
  const opened = world.totp.requests[0];
  if (opened) opened.status = 'denied';
  const pending = wait(agent, request, 50);
  await world.advance(300);
  await world.totp.listen(world.path('bridge.sock'));
  await world.advance(1000);
  t.equal((await pending).status, 'denied');
});

t.test('releasing: only the lease as issued, only by its session, once', async (t) => {
  const [agent, stranger] = [await world.agent(), await world.agent()];
  const { lease, text } = world.totp.issue({ session: agent.session, intent: 'b'.repeat(64) });
  await world.until(() => world.events('lease_issued').length === 1);
  t.equal((await refusalOf(stranger.call('access.release', { lease: text }))).code, 'LEASE_SESSION');
  const narrowed = narrowLease(text, ['scopes', ['mail:read:get']]);
  t.equal((await refusalOf(agent.call('access.release', { lease: narrowed }))).code, 'LEASE_INVALID');
  t.same(await agent.call('access.release', { lease: text }), {});
  t.equal(world.totp.leases.has(lease.id), false);
  t.equal((await refusalOf(agent.call('access.release', { lease: text }))).code, 'LEASE_REVOKED');
  t.equal(world.events('lease_released').length, 1, 'once, though both sides noticed');
});

t.test('BRIDGE-4: a session is told a minute before a lease ends, and when it ends', async (t) => {
  const agent = await world.agent();
  const { lease } = world.totp.issue({ session: agent.session, ttlMs: 62_000 });
  await world.until(() => world.events('lease_issued').length === 1);
  await world.advance(2200);
  t.equal(agent.noted('lease.expiring').length, 1);
  world.clock.advance(60_000);
  await world.advance(300);
  t.same(agent.noted('lease.ended'), [{ lease: lease.id, why: 'expired' }]);
  t.equal(agent.noted('lease.expiring').length, 1, 'told once');
});

t.test('access.claim and call.result say plainly that there is nothing', async (t) => {
  const agent = await world.agent();
  t.equal((await refusalOf(agent.call('access.claim', { grant: 'grant' }))).code, 'NOT_FOUND');
  t.equal((await refusalOf(agent.call('call.result', { request: 'r-xxxxxxxxxx' }))).code, 'NOT_FOUND');
});

t.test('CODE-1, CODE-2: what looks like a code is refused, recorded without it, and not echoed', async (t) => {
  const agent = await world.agent();
  const lease = 'al1.x.y';
  const sent: [string, object][] = [
    ['access.request', { scopes: ['mail'], reason: '123456' }],
    ['access.request', { scopes: ['mail'], reason: 'the code is: code 123456' }],
    ['access.request', { scopes: ['mail'], reason: 'x', intent: '12345678' }],
    ['access.request', { scopes: ['123456'], reason: 'x' }],
    ['access.request', { scopes: ['mail'], reason: 'x', code: '123456' }],
    ['access.request', { scopes: ['mail'], reason: 'x', otp: 123456 }],
    ['access.wait', { request: '123456', timeoutS: 0 }],
    ['call', { lease, service: 'mail', operation: 'search', params: {}, context: { intent: '123 456' } }],
    ['call', { lease, service: 'mail', operation: 'search', params: {}, totp: '1' }],
    ['approve', { code: '123456' }],
    ['request.approve', { request: 'r-1', code: '123456' }],
  ];
  for (const [method, params] of sent) {
    const refusal = await refusalOf(agent.call(method, params));
    t.equal(refusal.code, 'CODE_ON_AGENT_SOCKET', `${method} ${JSON.stringify(params)}`);
    t.notMatch(JSON.stringify(refusal.data) + refusal.message, /12345/);
  }
  t.ok(world.events('operation_refused').some(({ code }) => code === 'CODE_ON_AGENT_SOCKET'));
  t.notMatch(JSON.stringify(world.records()), /12345/);
  t.ok(await ask(agent, { reason: 'invoice 1234567 of ACME' }), 'negative control: a number in a sentence is no code');
});

t.test('an unknown method lists what there is, and no method for codes', async (t) => {
  const agent = await world.agent();
  const refusal = await refusalOf(agent.call('nothing'));
  t.equal(refusal.code, 'METHOD_UNKNOWN');
  t.match(refusal.data.expected, /access\.request/);
  t.notMatch(refusal.data.expected, /approve/);
});

t.test('SESSION-3, BUDGET-1: sessions and budgets stand after a kill', async (t) => {
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session, budget: { calls: 3 } });
  await world.until(() => world.events('lease_issued').length === 1);
  const call = (client: Client) => client.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  await call(agent);
  await call(agent);
  // What is in the files now is all that a kill would leave.
  const left = mkdtempSync(join(tmpdir(), 'gw-left-'));
  for (const file of ['sessions.jsonl', 'budgets.jsonl']) cpSync(join(world.stateDir, file), join(left, file));
  await world.gateway?.close();
  for (const file of ['sessions.jsonl', 'budgets.jsonl']) cpSync(join(left, file), join(world.stateDir, file));
  rmSync(left, { recursive: true });
  await world.start();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.equal(again.session, agent.session);
  await call(again);
  t.equal((await refusalOf(call(again))).code, 'LEASE_BUDGET');
});

t.test('an agent that asks without end is slowed down, and airlock-totp hears little of it', async (t) => {
  const agent = await world.agent();
  const codes: string[] = [];
  for (let n = 0; n < 60; n += 1) {
    await ask(agent, { reason: `reason ${n}` }).catch((thrown: unknown) => codes.push((thrown as AirlockError).code));
  }
  t.ok(codes.length >= 35 && codes.every((code) => code === 'RATE_LIMITED'));
  t.ok(world.totp.requests.length <= 21);
  const operator = await world.operator();
  t.ok(await operator.call('status'), 'the operator gets through');
  const hello = await operator.call<{ role: string }>('hello', { client: 'ctl', protocol: 1 });
  t.equal(hello.role, 'operator');
  t.ok(await operator.call('access.request', { scopes: ['mail'], reason: 'mine' }));
});

t.test('refusals of airlock-totp reach the agent as they are', async (t) => {
  const agent = await world.agent();
  world.totp.refuse.set('request.open', new AirlockError('RATE_LIMITED', 'three of this role wait', { retryAfterMs: 7000 }));
  const refusal = await refusalOf(ask(agent));
  t.equal(refusal.code, 'RATE_LIMITED');
  t.equal(refusal.data.retryAfterMs, 7000);
  world.totp.lock(true);
  await world.until(() => world.events('locked').length === 1);
  t.equal((await refusalOf(ask(agent))).code, 'LOCKED');
});
