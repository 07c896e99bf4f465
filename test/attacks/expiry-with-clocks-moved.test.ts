// Attack: keep a lease alive, or use it after its end, by setting a clock. LEASE-9, LEASE-13, CELL-2.
import {
  addFixture,
  isAlive,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import t from 'tap';

const HOUR_MS = 3_600_000;
const YEARS_10_MS = 10 * 365.25 * 24 * HOUR_MS;
const CELL_DEAD_MS = 1000;
const TTL_S = 300;

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture({ wallMs: Date.UTC(2026, 10, 20, 12) });
  await addFixture(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const call = (lease: string, operation: string): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'fixture', operation, params: {} });

const cellOf = async (lease: string): Promise<number> => ((await call(lease, 'pid')).result as { pid: number }).pid;

/** No code of a step that was used is accepted, so a lease is only to be had later than ever before. */
let latestMs = 0;
const newLease = async (): Promise<string> => {
  latestMs = Math.max(latestMs, running.clock.wallMs()) + HOUR_MS;
  running.clock.setWall(latestMs);
  const { lease } = await obtainLease(running, agent, ['fixture:read'], { ttlS: TTL_S });
  latestMs = Math.max(latestMs, running.clock.wallMs());
  return lease;
};

const moveWall = (ms: number): void => {
  running.clock.setWall(running.clock.wallMs() + ms);
  latestMs = Math.max(latestMs, running.clock.wallMs());
};

const ENDING: Readonly<Record<string, () => void>> = {
  'the wall clock is set 10 years forward': () => moveWall(YEARS_10_MS),
  'the wall clock is set to the end exactly': () => moveWall(TTL_S * 1000),
  'boot time alone reaches the end': () => running.clock.advanceBoot(TTL_S * 1000),
  'both clocks reach the end': () => running.clock.advance(TTL_S * 1000),
  'the wall clock is set 10 years back, and the time of the lease passes': () => {
    moveWall(-YEARS_10_MS);
    running.clock.advance(TTL_S * 1000);
  },
};

for (const [name, move] of Object.entries(ENDING)) {
  t.test(`${name}: call, cell and lease end`, async (t) => {
    const lease = await newLease();
    const inFlight = refusalOf(call(lease, 'hang'));
    // Answered behind the hanging call on the same two connections, so that one is in the cell now.
    const pid = await cellOf(lease);
    t.ok(isAlive(pid), 'the cell lives before');
    move();
    t.equal(await inFlight, 'LEASE_EXPIRED', 'the call in flight');
    await until('the end of the cell', () => !isAlive(pid), CELL_DEAD_MS);
    t.equal(await refusalOf(call(lease, 'pid')), 'LEASE_EXPIRED', 'the next call');
  });
}

/** Negative controls: what does not end a lease must leave its cell and its call alone. */
const HARMLESS: Readonly<Record<string, () => void>> = {
  'the wall clock is set an hour back': () => moveWall(-HOUR_MS),
  'both clocks come close to the end': () => running.clock.advance((TTL_S - 1) * 1000),
};

for (const [name, move] of Object.entries(HARMLESS)) {
  t.test(`${name}: the lease lives`, async (t) => {
    const lease = await newLease();
    const inFlight = refusalOf(call(lease, 'hang'));
    const pid = await cellOf(lease);
    move();
    t.ok(isAlive(await cellOf(lease)), 'served');
    await agent.call('access.release', { lease });
    t.equal(await inFlight, 'LEASE_REVOKED', 'it was still in flight until its lease was released');
    await until('the end of the cell', () => !isAlive(pid), CELL_DEAD_MS);
  });
}

t.test('an ended lease does not come back with the clock', async (t) => {
  const lease = await newLease();
  const before = running.clock.wallMs();
  moveWall(YEARS_10_MS);
  await until('the end of the lease', async () => (await refusalOf(call(lease, 'pid'))) === 'LEASE_EXPIRED');
  const leases = await running.command('airlock-ctl', ['leases', '--json']);
  t.same(leases.json, [], 'gone from the register');
  running.clock.setWall(before);
  t.equal(await refusalOf(call(lease, 'pid')), 'LEASE_EXPIRED');
});
