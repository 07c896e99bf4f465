// Attack: a connector that never yields keeps its cell, its credential and its slot. CELL-2, CELL-5, CELL-6.
import {
  addFixture,
  isAlive,
  obtainLease,
  openSession,
  pidsOf,
  refusalOf,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import t from 'tap';

/** CELL-2: two seconds without a sign of life, seen at the next look; the rest is for a busy machine. */
const STALL_DEAD_MS = 4000;
const CELL_DEAD_MS = 1000;

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture();
  for (const name of ['stuck', 'free']) await addFixture(running, { name });
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const call = (lease: string, service: string, operation: string): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service, operation, params: {} });
const pidOf = async (lease: string, service: string): Promise<number> =>
  ((await call(lease, service, 'pid')).result as { pid: number }).pid;

/** User and system time of a process in clock ticks. */
const isBusy = async (pid: number): Promise<void> => {
  const { readFileSync } = await import('node:fs');
  const ticks = (): number => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[11]);
  const before = ticks();
  await until('a busy main thread', () => ticks() > before + 5);
};

t.test('the watchdog kills it by itself; the cell that merely waits is left alone', async (t) => {
  const { lease } = await obtainLease(running, agent, ['stuck:read', 'free:read']);
  const [stuck, free] = [await pidOf(lease, 'stuck'), await pidOf(lease, 'free')];
  const waiting = refusalOf(call(lease, 'free', 'hang'));
  const spinning = refusalOf(call(lease, 'stuck', 'spin'));
  const startedMs = performance.now();
  await isBusy(stuck);
  t.equal(await refusalOf(call(lease, 'free', 'echo')), null, 'others are served meanwhile');
  t.equal(await spinning, 'UNAVAILABLE');
  t.ok(performance.now() - startedMs < STALL_DEAD_MS, 'in time');
  await until('the end of the cell', () => !isAlive(stuck), CELL_DEAD_MS);
  t.ok(isAlive(free), 'negative control: a hanging call with a live main thread');
  t.not(await pidOf(lease, 'stuck'), stuck, 'the slot serves again, with another process');
  await agent.call('access.release', { lease });
  t.equal(await waiting, 'LEASE_REVOKED');
});

t.test('a stuck cell dies with its lease, not later', async (t) => {
  for (const end of ['expiry', 'revoke', 'lock'] as const) {
    const { lease } = await obtainLease(running, agent, ['stuck:read'], { ttlS: 600 });
    const pid = await pidOf(lease, 'stuck');
    const spinning = refusalOf(call(lease, 'stuck', 'spin'));
    await isBusy(pid);
    if (end === 'expiry') running.clock.advance(600_000);
    else await running.command('airlock-ctl', end === 'lock' ? ['lock', '--json'] : ['revoke', '--all', '--json']);
    await until(`the end of the cell by ${end}`, () => !isAlive(pid), CELL_DEAD_MS);
    t.equal(await spinning, { expiry: 'LEASE_EXPIRED', revoke: 'LEASE_REVOKED', lock: 'LOCKED' }[end]);
  }
  await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
});

t.test('SIGTERM ends a stuck cell as well', async (t) => {
  const { lease } = await obtainLease(running, agent, ['stuck:read']);
  const pid = await pidOf(lease, 'stuck');
  const spinning = refusalOf(call(lease, 'stuck', 'spin'));
  await isBusy(pid);
  process.kill(pid, 'SIGTERM');
  await until('the end of the cell', () => !isAlive(pid), CELL_DEAD_MS);
  t.equal(await spinning, 'UNAVAILABLE');
  t.ok(pidsOf(running, 'airlock-cell').length > 0);
});
