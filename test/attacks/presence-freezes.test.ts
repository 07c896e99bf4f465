// The operator goes away while agents hold leases. What presence.sock says freezes them at once, whatever is killed, moved or sent there;
// back at the screen reading goes on, and what writes or sends out needs a code. docs/spec/presence.md
import type { Connection } from '@airlock/ipc';
import { validate, type AccessStatus, type AirlockError, type ApproveStatus, type SeenReason } from '@airlock/protocol';
import {
  addFixture,
  checkout,
  daemonOf,
  linesOf,
  obtainLease,
  openSession,
  rawExchange,
  refusalOf,
  startDeliveries,
  startWeatherDouble,
  startWithFixture,
  type AgentSession,
  type Configured,
  type Deliveries,
  type WeatherDouble,
} from '@airlock/testkit';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { approveShown, ask, auditOf, connectTo, frontOf, killHard, until, untilServing } from './support/house.js';

const FREE = JSON.stringify({
  ...{ id: 'free', name: 'Free', description: 'a write without a code', status: 'active', blocked_commands: [] },
  rules: [{ id: 'deliver', decision: 'allow', operations: ['deliver'] }],
});
// Clocks are moved by minutes here, and nobody reports meanwhile.
const PERMITTED = 'permissions: {allow: [write]}\npolicies: {"*": [free]}\n';
const YAML = `${PERMITTED}presence: {silence_seconds: 600}\n`;

let running: Configured;
let deliveries: Deliveries;
let weather: WeatherDouble;
let agent: AgentSession;
let operator: Connection;
let lease: string;
let sent = 0;
let outward: AgentSession;
let outwardLease: string;
t.before(async () => {
  deliveries = await startDeliveries();
  weather = await startWeatherDouble();
  running = await startWithFixture({ roles: ['default', 'out'], cells: 6, yaml: YAML, policies: { 'free.json': FREE } });
  await addFixture(running, { port: deliveries.port });
  await running.command(
    'airlock-ctl',
    ['service', 'add', 'open-meteo', '--name', 'weather', '--set', `origin=${weather.origin}`, '--json'],
    { stdin: `${running.freshCode()}\n` },
  );
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read', 'fixture:write'], { ttlS: 28_800 }));
  // What comes back from there was written by others, and taints its role.
  outward = await openSession(running, { role: 'out' });
  outwardLease = (await obtainLease(running, outward, ['weather:read'], { ttlS: 28_800 })).lease;
  sent = weather.asked.length;
  operator = await connectTo(running, 'approve/default');
});
t.teardown(async () => {
  agent.close();
  outward.close();
  operator.close();
  await running.stop();
  await deliveries.close();
  await weather.close();
});

interface Sight {
  readonly reasons?: readonly SeenReason[];
  readonly passed?: readonly SeenReason[];
  readonly sessions?: number;
}
const tell = async ({ reasons = [], passed = reasons, sessions = 1 }: Sight): Promise<void> => {
  const link = await connectTo(running, 'presence');
  await link.call('report', { available: true, operators: [{ operator: 'default', sessions, reasons, passed }] });
  link.close();
};
const call = (operation: string, params: object = {}, service = 'fixture', text = lease): Promise<unknown> =>
  agent.call('call', { lease: text, service, operation, params });
const echo = (text = lease): Promise<string | null> => refusalOf(call('echo', { text: 'x' }, 'fixture', text));
const forecast = (text: string): Promise<string | null> => {
  const params = { latitude: 48.2, longitude: 16.4, hours: 2 };
  return refusalOf(outward.call('call', { lease: text, service: 'weather', operation: 'weather_hourly', params }));
};
const errorOf = async (promise: Promise<unknown>): Promise<AirlockError> =>
  promise.then(
    () => Promise.reject(new Error('it was not refused')),
    (thrown: unknown) => thrown as AirlockError,
  );
const status = (): Promise<ApproveStatus> => ask<ApproveStatus>(operator, 'status');
const soon = (wanted: string | null): Promise<unknown> =>
  until(
    async () => [await echo()],
    ([refusal]) => refusal === wanted,
  );
const denyAll = async (): Promise<void> => {
  await ask(operator, 'request.deny', { all: true });
  running.clock.advance(120_000);
};

t.test('negative control: before, it reads, and writes without a code', async (t) => {
  t.equal(await echo(), null);
  await call('deliver', { text: 'before' });
  t.same(deliveries.lines, ['before']);
});

t.test('PRESENCE-1: a locked screen ends what runs, and refuses with why and what to do', async (t) => {
  const inFlight = errorOf(call('hang'));
  await tell({ reasons: ['lock'] });
  t.equal((await inFlight).code, 'LOCKED', 'the call in flight');
  const error = await errorOf(call('echo', { text: 'x' }));
  t.match(error, {
    code: 'LOCKED',
    message: 'leases are frozen: the screen is locked',
    data: { hint: /unlock the screen; then reading goes on/ },
  });
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['fixture:read'], reason: 'x' })), 'LOCKED');
  t.match(await agent.call<AccessStatus>('access.status'), { locked: true, frozen: ['lock'] });
  t.match(await status(), { locked: false, presence: { reasons: ['lock'], mode: 'auto', sessions: 1 } });
  t.match(
    (await running.command('airlock-ctl', ['status'])).stdout,
    /state +FROZEN: the screen is locked; be there, or: airlock-ctl unlock/,
  );
  t.match(
    (await running.command('airlock', ['status'], { env: { AIRLOCK_ROLE: 'default' } })).stdout,
    /frozen: the screen is locked/,
  );
});

t.test('PRESENCE-5: neither a kill, nor the clocks, nor logging out thaws', async (t) => {
  for (const daemon of ['totp', 'gateway'] as const) {
    await killHard(running.pids[daemon]);
    await untilServing(running);
  }
  agent = await openSession(running, { resume: agent.hello.resume });
  outward = await openSession(running, { role: 'out', resume: outward.hello.resume });
  operator = await connectTo(running, 'approve/default');
  t.equal(await echo(), 'LOCKED');
  running.clock.advance(3_600_000);
  t.equal(await echo(), 'LOCKED');
  await tell({ sessions: 0 });
  t.equal(await echo(), 'LOCKED');
});

t.test('PRESENCE-3: back at the screen it reads, and neither writes nor sends out without a code', async (t) => {
  await tell({});
  await soon(null);
  for (const [name, refusal] of [
    ['deliver', await refusalOf(call('deliver', { text: 'after' }))],
    ['weather_hourly', await forecast(outwardLease)],
  ] as const)
    t.equal(refusal, 'APPROVAL_PENDING', name);
  t.same([deliveries.lines, weather.asked.length], [['before'], sent], 'nothing of it happened');
  const asked = await auditOf(running, 'operation_asked');
  t.ok(
    asked.length === 2 && asked.every(({ policy, rule }) => policy === 'presence' && rule === 'step-up'),
    JSON.stringify(asked),
  );
  await approveShown(running, operator);
  await until(
    () => Promise.resolve(deliveries.lines.length),
    (count) => count === 2,
  );
  await denyAll();
  t.equal(await refusalOf(call('deliver', { text: 'again' })), 'APPROVAL_PENDING', 'each time');
  await denyAll();
});

t.test('a lease that was approved after it is as free as its text says', async (t) => {
  const { lease: fresh } = await obtainLease(running, agent, ['fixture:read', 'fixture:write'], { ttlS: 3600 });
  t.equal(await refusalOf(call('deliver', { text: 'fresh' }, 'fixture', fresh)), null);
  t.equal(deliveries.lines.at(-1), 'fresh');
  const { lease: freshOut } = await obtainLease(running, outward, ['weather:read'], { ttlS: 3600 });
  t.equal(await forecast(freshOut), null);
  t.ok(weather.asked.length > sent);
  await tell({ passed: ['lock'] });
  await soon(null);
  t.equal(
    await refusalOf(call('deliver', { text: 'stale' }, 'fixture', fresh)),
    'APPROVAL_PENDING',
    'PRESENCE-4: a lock nobody saw',
  );
  await denyAll();
});

t.test('a storm of locks and unlocks from many sides ends as the last one said', async (t) => {
  const links = await Promise.all(Array.from({ length: 4 }, () => connectTo(running, 'presence')));
  const report = (reasons: readonly string[]): object => ({
    available: true,
    operators: [{ operator: 'default', sessions: 1, reasons, passed: [] }],
  });
  for (let n = 0; n < 30; n += 1)
    await Promise.all(links.map((link, index) => link.call('report', report((n + index) % 2 === 0 ? ['lock'] : []))));
  await tell({ reasons: ['lock'] });
  t.equal(await echo(), 'LOCKED');
  await tell({});
  await soon(null);
  links.forEach((link) => link.close());
});

t.test('PRESENCE-2: presence does not end a lock, and a lock outlives presence', async (t) => {
  await tell({ reasons: ['lock'] });
  t.same((await running.command('airlock-ctl', ['lock', '--json'])).json, { locked: true });
  await tell({});
  for (let n = 0; n < 5; n += 1) t.equal(await echo(), 'LOCKED');
  t.equal((await errorOf(call('echo', { text: 'x' }))).message, 'the operator locked Airlock');
  await ask(operator, 'action.open', { verb: 'unlock', params: {} });
  await approveShown(running, operator);
  await soon(null);
});

t.test('PRESENCE-7: a code unlocks while the screen is locked, until it is locked again', async (t) => {
  await tell({ reasons: ['lock'] });
  t.equal(await echo(), 'LOCKED');
  for (const link of [operator, agent.link]) t.not(await refusalOf(ask(link, 'unlock')), null, 'no method unlocks');
  await ask(operator, 'action.open', { verb: 'unlock', params: {} });
  await approveShown(running, operator);
  await soon(null);
  await tell({ reasons: ['lock'], passed: [] });
  t.equal(await echo(), null, 'the same lock');
  t.match(await status(), { presence: { reasons: [], waived: ['lock'] } });
  await tell({ reasons: ['lock'], passed: ['lock'] });
  t.equal(await echo(), 'LOCKED', 'the next one');
});

t.test('PRESENCE-10: hostile bytes on presence.sock thaw nothing and end nothing', async (t) => {
  const path = running.sockets['presence'] ?? '';
  const frame = (method: string, params: unknown): string => `${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`;
  const hostile = [
    '\0\0\0\n',
    '{"jsonrpc":"2.0","id":1,"method":"report"\n',
    `${'['.repeat(5000)}\n`,
    'x'.repeat(100_000),
    frame('report', {
      available: true,
      operators: [{ operator: 'default', sessions: 1, reasons: [], passed: [], locked: false }],
    }),
    frame('report', { available: true, operators: [{ operator: '../default', sessions: 1, reasons: [], passed: [] }] }),
    frame('unlock', {}),
    frame('request.approve', { request: 'r', code: '123456' }),
    frame('hello', { protocol: 1 }),
  ];
  for (const bytes of hostile) {
    const answer = await rawExchange(path, Buffer.from(bytes));
    const lines = linesOf(answer).map((line) => line as { result?: unknown });
    t.ok(
      lines.every(({ result }) => result === undefined),
      JSON.stringify(bytes.slice(0, 60)),
    );
  }
  t.equal(await echo(), 'LOCKED');
  await tell({});
  await soon(null);
  const own = await errorOf(ask(await connectTo(running, 'agent/default'), 'report', {}));
  t.not(own.code, null, 'and an agent has no such method');
});

t.test('PRESENCE-11: both logs say when and why', async (t) => {
  const frozen = await auditOf(running, 'presence_frozen');
  t.ok(frozen.filter(({ why }) => JSON.stringify(why) === '["lock"]').length >= 4, JSON.stringify(frozen.slice(0, 3)));
  t.ok((await auditOf(running, 'presence_thawed')).length >= 4);
});

t.test('the frame in the specification is one', async (t) => {
  const text = readFileSync(join(checkout, 'docs/spec/presence.md'), 'utf8');
  const { method, params } = JSON.parse(/```json\n(.*)\n```/.exec(text)?.[1] ?? '') as { method: string; params: object };
  t.equal(validate(`presence.${method}`, params), null);
  t.equal(await refusalOf(call('echo', { text: 'x' })), null);
  t.equal((await frontOf(operator).catch(() => null)) === null, true);
});

t.test('negative control: with mode off the same freezes nothing', async (t) => {
  running.edit('airlock.yaml', `${PERMITTED}presence: {mode: "off"}\n`);
  await killHard(await daemonOf(running, 'airlock-totp'));
  await untilServing(running);
  await tell({ reasons: ['lock', 'idle', 'switch'] });
  await tell({ sessions: 0 });
  const { lease: fresh } = await obtainLease(running, agent, ['fixture:read', 'fixture:write'], { ttlS: 3600 });
  await tell({ reasons: ['lock'] });
  t.equal(await refusalOf(call('deliver', { text: 'off' }, 'fixture', fresh)), null);
});
