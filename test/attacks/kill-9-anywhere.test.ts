// Attack: kill any process at any moment, again and again. No code twice, no lease lost or invented, nothing off the record.
import {
  addFixture,
  codeAt,
  daemonOf,
  isAlive,
  openSession,
  pidsOf,
  refusalOf,
  startWithFixture,
  TEST_SECRET,
  until,
  untilServing,
  type AgentSession,
  type CommandResult,
  type ProgramName,
  type Running,
} from '@airlock/testkit';
import { connectSocket } from '@airlock/ipc';
import type {
  AccessRequestResult,
  AccessWaitResult,
  ApproveResult,
  CallResult,
  LeaseView,
  PendingResult,
} from '@airlock/protocol';
import t from 'tap';

const ROUNDS = 9;
const PROGRAMS: readonly ProgramName[] = ['airlock-totp', 'airlock-gateway', 'airlock-cell'];

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture({ cells: 4 });
  await addFixture(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const ctl = (...args: string[]): Promise<CommandResult> => running.command('airlock-ctl', [...args, '--json']);

/** Talks to airlock-totp as airlock-ctl does, without the time a command takes to start. */
const withTotp = async <T>(use: (call: <R>(method: string, params?: object) => Promise<R>) => Promise<T>): Promise<T> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  try {
    return await use(async (method, params = {}) => (await link.call(method, params, { timeoutMs: 3000 })) as never);
  } finally {
    link.close();
  }
};

const again = async (): Promise<void> => {
  const { resume } = agent.hello;
  agent.close();
  await untilServing(running);
  agent = await openSession(running, { resume });
};

/** Repeats what a killed process left unanswered, as a client does; every answer of a living process counts. */
const persistently = async <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
  until(what, async () => {
    try {
      return { value: await attempt() };
    } catch (error) {
      if ((error as { code?: string }).code !== 'UNAVAILABLE') throw error;
      await again();
      return null;
    }
  }).then(({ value }) => value);

const codesUsed: string[] = [];

const approve = async (match: string): Promise<ApproveResult | 'unknown'> =>
  withTotp(async (call) => {
    const { front } = await call<PendingResult>('pending');
    if (front?.match !== match) return 'unknown';
    const code = running.freshCode();
    codesUsed.push(code);
    return call<ApproveResult>('request.approve', { request: front.id, digest: front.digest, code, match });
  }).catch(() => 'unknown');

const kill = async (program: ProgramName, delay: number): Promise<void> => {
  for (let turn = 0; turn < delay; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const pids = program === 'airlock-cell' ? pidsOf(running, program) : [await daemonOf(running, program)];
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
};

const leases: { readonly id: string; readonly text: string }[] = [];
const live = async (): Promise<string[]> =>
  persistently('the register', () => withTotp((call) => call<{ leases: readonly LeaseView[] }>('leases'))).then(
    ({ leases: list }) => list.map(({ id }) => id).sort(),
  );

const idOf = (text: string): string =>
  (JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as { id: string }).id;

/** One request up to its lease, with a kill somewhere in between. */
const round = async (n: number): Promise<void> => {
  const program = PROGRAMS[n % PROGRAMS.length] ?? 'airlock-totp';
  const killed = kill(program, (n * 37) % 400);
  const ask = { scopes: ['fixture:read'], reason: `round ${n}`, ttlS: 5000 + n };
  const asked = await persistently('a request', () => agent.call<AccessRequestResult>('access.request', ask));
  await killed;
  const wait = (): Promise<AccessWaitResult> =>
    agent.call<AccessWaitResult>('access.wait', { request: asked.request, timeoutS: 1 });
  const decided = await until('the decision', async () => {
    await approve(asked.match);
    const result = await persistently('an answer', wait);
    return result.status === 'pending' ? null : result;
  });
  if (decided.lease !== undefined) leases.push({ id: idOf(decided.lease), text: decided.lease });
};

t.test('requests, approvals and calls through kills of every process', async (t) => {
  for (let n = 0; n < ROUNDS; n += 1) {
    await round(n);
    const last = leases.at(-1);
    const call = (): Promise<CallResult> =>
      agent.call<CallResult>('call', { lease: last?.text, service: 'fixture', operation: 'echo', params: { text: String(n) } });
    t.match(await persistently('a call', call), { result: { text: String(n) } }, `round ${n}`);
    // Slots are few; the lease is kept, its cell is not.
    for (const pid of pidsOf(running, 'airlock-cell')) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
  t.ok(leases.length >= ROUNDS - 1, `${leases.length} leases were delivered`);
});

t.test('no lease was lost and none was invented', async (t) => {
  const issued = (await ctl('audit', '--event', 'lease_issued')).json as { lease: string; log: string }[];
  const byTotp = issued.filter(({ log }) => log === 'totp').map(({ lease }) => lease);
  t.same(await live(), [...new Set(byTotp)].sort(), 'the register is what airlock-totp recorded');
  for (const { id } of leases) t.ok(byTotp.includes(id), id);
  t.equal(byTotp.length, new Set(byTotp).size, 'none was issued twice');
});

t.test('no code that was used works again', async (t) => {
  const asked = await persistently('a request', () =>
    agent.call<AccessRequestResult>('access.request', { scopes: ['fixture:read'], reason: 'again', ttlS: 77 }),
  );
  const near = [...codesUsed.slice(-2), codeAt(TEST_SECRET, running.clock.wallMs())];
  for (const code of new Set(near)) {
    const refused = await ctl('approve', code, '--request', asked.request, '--match', asked.match);
    t.equal(refused.status, 4, refused.stdout);
  }
  running.clock.advance(30_000);
  const fresh = codeAt(TEST_SECRET, running.clock.wallMs());
  t.equal((await ctl('approve', fresh, '--request', asked.request, '--match', asked.match)).status, 0, 'negative control');
});

t.test('live leases stay usable after a last kill of both daemons, and the record verifies', async (t) => {
  await kill('airlock-gateway', 0);
  await kill('airlock-totp', 0);
  await again();
  const { text } = leases[0] ?? { text: '' };
  const call = (): Promise<CallResult> =>
    agent.call<CallResult>('call', { lease: text, service: 'fixture', operation: 'echo', params: { text: 'last' } });
  t.match(await persistently('a call', call), { result: { text: 'last' } });
  t.equal(await refusalOf(agent.call('access.status')), null);
  const verified = await ctl('audit', 'verify');
  t.equal(verified.status, 0, verified.stdout);
});
