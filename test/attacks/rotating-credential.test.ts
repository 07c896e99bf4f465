// Attack: cells race for a token that is good once, and a connector gives back what it may not change. RELEASE-12, CELL-14, CELL-15, STORE-4.
import { obtainLease, openSession, startWithFixture, type AgentSession, type Running } from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { auditOf, stateHolding } from './support/house.js';
import { storedRecord } from './support/keys.js';

/** A provider that knows one token at a time, and counts who comes with another. */
const provider = {
  token: 'first-refresh-token-000000',
  given: 0,
  stale: 0,
  overlapping: 0,
};
let atIt = 0;
const server = createServer((socket) => {
  socket.setEncoding('utf8').on('error', () => undefined);
  socket.on('data', (text: string) => {
    const [, token] = /^refresh (\S+)\n$/.exec(text) ?? [];
    atIt += 1;
    if (atIt > 1) provider.overlapping += 1;
    // Slow, so that whoever races is there at the same time.
    setTimeout(() => {
      atIt -= 1;
      if (token !== provider.token) {
        provider.stale += 1;
        return void socket.write('no\n');
      }
      provider.given += 1;
      provider.token = `refresh-token-number-${provider.given}-${'x'.repeat(8)}`;
      return void socket.write(`${provider.token}\n`);
    }, 50);
  });
});

let running: Running;
const agents: AgentSession[] = [];
const leases: string[] = [];
t.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running = await startWithFixture({ cells: 8 });
  const { port } = server.address() as AddressInfo;
  const added = await running.command(
    'airlock-ctl',
    ['service', 'add', 'rotor', '--name', 'rotor', '--set', `port=${port}`, '--no-test', '--stdin', '--json'],
    { stdin: `${provider.token}\nclient-of-the-rotor\n${running.freshCode()}\n` },
  );
  if (added.status !== 0) throw new Error(added.stdout);
  for (let n = 0; n < 3; n += 1) {
    const agent = await openSession(running);
    agents.push(agent);
    leases.push((await obtainLease(running, agent, ['rotor:read'])).lease);
  }
});
t.teardown(async () => {
  for (const agent of agents) agent.close();
  await running.stop();
  server.close();
});

const call = async (n: number, operation: string): Promise<unknown> => {
  const params = { lease: leases[n], service: 'rotor', operation, params: {} };
  try {
    return ((await agents[n]?.call<CallResult>('call', params)) as CallResult).result;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
/** As clients do: UNAVAILABLE is asked again. */
const persistently = async (n: number, operation: string): Promise<unknown> => {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await call(n, operation);
    if (answer !== 'UNAVAILABLE') return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return 'UNAVAILABLE for ever';
};
const version = (): number =>
  (JSON.parse(Buffer.from(storedRecord(running, 'rotor').header, 'base64url').toString()) as { version: number }).version;
const held = (): unknown => ({
  length: provider.token.length,
  sum: Array.from(provider.token).reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
});

t.test('a token that changed is stored sealed, and the next cell has it', async (t) => {
  const before = version();
  t.same(await call(0, 'refresh'), { ok: true });
  t.equal(provider.given, 1);
  t.ok(version() > before);
  t.same(await persistently(0, 'held'), held(), 'the same lease, in a fresh cell');
  t.same(await persistently(1, 'held'), held(), 'and another');
  t.same(stateHolding(running, provider.token), [], 'nowhere in the clear');
  t.match(await auditOf(running, 'config_changed'), [{}, { verb: 'credentials.rotate', service: 'rotor' }]);
});

t.test('CELL-15: cells that race ask the provider one after the other, and nothing is lost', async (t) => {
  const rounds = 4;
  for (let n = 0; n < rounds; n += 1) {
    const answers = await Promise.all([0, 1, 2].map((agent) => persistently(agent, 'refresh')));
    t.same(answers, [{ ok: true }, { ok: true }, { ok: true }], `round ${n}`);
    t.same(await persistently(n % 3, 'held'), held(), 'what is stored is what the provider knows');
  }
  t.same({ stale: provider.stale, overlapping: provider.overlapping }, { stale: 0, overlapping: 0 });
  t.equal(provider.given, 1 + 3 * rounds);
});

t.test('CELL-14: a connector changes no other field, and nothing by an empty answer', async (t) => {
  const before = storedRecord(running, 'rotor');
  t.equal(await persistently(0, 'steal'), 'INTERNAL');
  t.equal(await persistently(1, 'empty'), 'INTERNAL');
  t.same(storedRecord(running, 'rotor'), before);
  t.same(await persistently(2, 'refresh'), { ok: true }, 'negative control: the token itself does');
  t.not(storedRecord(running, 'rotor').body, before.body);
});

t.test('one rotation a cell: a second one is for the next cell', async (t) => {
  const { given } = provider;
  t.equal(await call(0, 'twice'), 'UNAVAILABLE');
  t.equal(provider.given, given + 1, 'the provider was asked once');
  t.same(await persistently(1, 'held'), held(), 'and its answer was stored');
});

t.test('STORE-4: a stale token is refused by the provider: the negative control of this test', async (t) => {
  const { token } = provider;
  provider.token = 'changed-behind-everybody';
  t.equal(await persistently(0, 'refresh'), 'UPSTREAM_REFUSED');
  t.equal(provider.stale, 1);
  provider.token = token;
  t.same(await persistently(0, 'refresh'), { ok: true }, 'and the place is free again');
});
