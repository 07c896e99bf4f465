// Attack: cells race for a token that is good once, and a daemon is killed at every step of storing the next one. CELL-15, STORE-4.
import { obtainLease, openSession, startWithFixture, type AgentSession, type Running } from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { untilServing } from './support/house.js';
import { arm, disarm, KILL_AT, type KillOrder } from './support/kill-at.js';

const FIRST = 'first-refresh-token-000000';
/** Every token the provider ever gave, the newest last: one that was lost on its way can be told from one that was torn. */
const given = [FIRST];
let current = FIRST;
let stale = 0;
const server = createServer((socket) => {
  socket.setEncoding('utf8').on('error', () => undefined);
  socket.on('data', (text: string) => {
    const [, token] = /^refresh (\S+)\n$/.exec(text) ?? [];
    if (token !== current) {
      stale += 1;
      return void socket.write('no\n');
    }
    // Each longer than the one before, so that the fixture's length and sum name one.
    current = `refresh-token-number-${given.length}-${'x'.repeat(8 + given.length)}`;
    given.push(current);
    socket.write(`${current}\n`);
  });
});

let running: Running;
t.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running = await startWithFixture({ cells: 6, preload: KILL_AT });
  const { port } = server.address() as AddressInfo;
  const added = await running.command(
    'airlock-ctl',
    ['service', 'add', 'rotor', '--name', 'rotor', '--set', `port=${port}`, '--no-test', '--stdin', '--json'],
    { stdin: `${FIRST}\nclient-of-the-rotor\n${running.freshCode()}\n` },
  );
  if (added.status !== 0) throw new Error(added.stdout);
});
t.teardown(async () => {
  await running.stop();
  server.close();
});

const answerOf = async (agent: AgentSession, lease: string, operation: string): Promise<unknown> => {
  try {
    return (await agent.call<CallResult>('call', { lease, service: 'rotor', operation, params: {} })).result;
  } catch (error) {
    return (error as { code?: string }).code ?? 'gone';
  }
};

/** As clients do: UNAVAILABLE is asked again. */
const persistently = async (agent: AgentSession, lease: string, operation: string): Promise<unknown> => {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await answerOf(agent, lease, operation);
    if (answer !== 'UNAVAILABLE') return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return 'UNAVAILABLE for ever';
};

const withLease = async <T>(use: (agent: AgentSession, lease: string) => Promise<T>): Promise<T> => {
  const agent = await openSession(running);
  try {
    running.clock.advance(90_000);
    return await use(agent, (await obtainLease(running, agent, ['rotor:read'])).lease);
  } finally {
    agent.close();
  }
};

const sumOf = (token: string): object => ({
  length: token.length,
  sum: Array.from(token).reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
});

/** Two cells refresh at once, a daemon dies meanwhile. @returns whether it did */
const round = async (t: Pick<typeof import('tap').t, 'ok' | 'same' | 'equal'>, order: KillOrder): Promise<boolean> => {
  const before = given.length;
  const one = await openSession(running);
  const two = await openSession(running);
  running.clock.advance(90_000);
  const first = (await obtainLease(running, one, ['rotor:read'])).lease;
  running.clock.advance(90_000);
  const second = (await obtainLease(running, two, ['rotor:read'])).lease;
  arm(running, order);
  await Promise.all([answerOf(one, first, 'refresh'), answerOf(two, second, 'refresh')]);
  const killed = !disarm(running);
  one.close();
  two.close();
  await untilServing(running);
  const name = `${order.program}, step ${order.at}`;
  const held = await withLease((agent, lease) => persistently(agent, lease, 'held'));
  const whose = given.findIndex((token) => JSON.stringify(sumOf(token)) === JSON.stringify(held));
  t.ok(whose >= before - 1, `${name}: what is stored is whole, and none of before (${whose} of ${given.length - 1})`);
  if (!killed) t.same(held, sumOf(current), `${name}: without a kill it is the newest`);
  // A provider that was asked and whose answer died with the daemon: the operator seals another; here the provider steps back.
  current = given[whose] ?? current;
  t.same(await withLease((agent, lease) => persistently(agent, lease, 'refresh')), { ok: true }, `${name}: it goes on`);
  return killed;
};

for (const program of ['airlock-gateway', 'airlock-totp'] as const)
  t.test(`kill -9 of ${program} at every step while two cells refresh`, async (t) => {
    let at = 1;
    while (at < 16 && (await round(t, { program, at, both: false }))) at += at < 4 ? 1 : 2;
    t.ok(at > 2 && at < 16, `${at - 1} steps`);
  });

t.test('negative control: a token of before is refused by the provider, and said so', async (t) => {
  const now = current;
  const before = stale;
  current = 'changed-behind-everybody';
  t.equal(await withLease((agent, lease) => persistently(agent, lease, 'refresh')), 'UPSTREAM_REFUSED');
  t.equal(stale, before + 1);
  current = now;
  const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
  t.equal(verified.status, 0, verified.stdout);
});
