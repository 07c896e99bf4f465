/** A call when there is one lease and one connection, and the same call when there are 1,000 of them. Reach: p50 at most 1.3 times. */
import { connectSocket } from '@airlock/ipc';
import type { AccessRequestResult, AccessWaitResult, ApproveResult, PendingResult } from '@airlock/protocol';
import { openSession, until, type Running } from '@airlock/testkit';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineClient } from './line-client.js';
import { callOf, startNoop, type NoopHouse } from './noop.js';
import { median, round } from './statistics.js';

const MANY = Number(process.env['AIRLOCK_BENCH_GROWTH'] ?? 1000);
const CALLS = 400;
const WARM_UP = 1000;
/** Short rounds alternate the small instance and the two large ones, so that all see the same machine. */
const ROUNDS = 15;
/** A code is good once and a step has 30 s, so 1,000 approvals take more than eight hours of the clock. */
const TTL_S = 86_400;
const CLOCK_READ_MS = 5;
const IDLE_CELL_MS = 61_000;

/**
 * For daemons whose clock is moved by hand. Its file is read at each use, which a call would be measured with: here at
 * most every few milliseconds. And no lease lasts as long as 1,000 approvals by one person take, so that is raised.
 */
const PRELOAD = `
const fs = require('node:fs');
const read = fs.readFileSync;
const clock = process.env.AIRLOCK_DEV_CLOCK_FILE;
let text = '', readAt = -Infinity;
fs.readFileSync = (path, ...more) => {
  if (path === clock) {
    const now = performance.now();
    if (now - readAt > ${CLOCK_READ_MS}) [text, readAt] = [read(path, ...more), now];
    return text;
  }
  const found = read(path, ...more);
  return String(path).endsWith('compiled/config.json') ? String(found).replace(/("maxTtlS": *)[0-9]+/, (_, key) => key + '${TTL_S}') : found;
};
`;

const OPTIONS = { preload: PRELOAD, cells: 2 };

type Ask = <R>(method: string, params?: object) => Promise<R>;

/** One connection to airlock-totp as airlock-ctl makes it. */
const withOperator = async <T>(running: Running, use: (ask: Ask) => Promise<T>): Promise<T> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  try {
    return await use(async (method, params = {}) => (await link.call(method, params, { timeoutMs: 10_000 })) as never);
  } finally {
    link.close();
  }
};

/** One more agent that gets a lease, and goes; its lease lives on. */
const oneMoreLease = async (running: Running, ask: Ask): Promise<void> => {
  const agent = await openSession(running);
  const { request, match } = await agent.call<AccessRequestResult>('access.request', {
    scopes: ['noop:read'],
    reason: 'growth',
    ttlS: TTL_S,
  });
  const code = running.freshCode();
  await sleep(CLOCK_READ_MS + 2);
  const { front } = await ask<PendingResult>('pending');
  if (front === null) throw new Error('nothing is in front');
  await ask<ApproveResult>('request.approve', { request: front.id, digest: front.digest, code, match });
  const { lease } = await agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 10 });
  if (lease === undefined) throw new Error('no lease was delivered');
  agent.close();
};

const works = (house: NoopHouse): Promise<boolean> =>
  house.session.call('call', callOf(house.lease)).then(
    () => true,
    () => false,
  );

/** Grants 999 more, the first kept in use meanwhile, so that its cell has the slot. @returns leases that live */
const growLeases = async (house: NoopHouse): Promise<number> => {
  const count = (ask: Ask): Promise<number> => ask<{ leases: readonly unknown[] }>('leases').then(({ leases }) => leases.length);
  const live = await withOperator(house.running, async (ask) => {
    for (let n = 1; n < MANY; n += 1) {
      await oneMoreLease(house.running, ask);
      await works(house);
    }
    return count(ask);
  });
  if (live !== MANY) throw new Error(`${live} leases live, ${MANY} were to`);
  if (await works(house)) return live;
  house.running.clock.advance(IDLE_CELL_MS);
  await until('a cell for the first lease', () => works(house));
  return live;
};

const connect = async ({ path, hello }: NoopHouse, count: number): Promise<readonly LineClient[]> => {
  const clients: LineClient[] = [];
  // One after the other: a socket has room for some hundred that wait to be accepted.
  for (let n = 0; n < count; n += 1) {
    const client = new LineClient(path);
    clients.push(client);
    await client.call('hello', hello);
  }
  return clients;
};

/** One call after the other, each by the next connection. @returns the median, µs */
const roundUs = async (clients: readonly LineClient[], { lease }: NoopHouse, calls = CALLS): Promise<number> => {
  const params = callOf(lease);
  const latencies: number[] = [];
  for (let n = 0; n < calls; n += 1) {
    const start = performance.now();
    await clients[n % clients.length]?.call('call', params);
    latencies.push((performance.now() - start) * 1000);
  }
  return median(latencies);
};

interface Growth {
  readonly smallP50Us: number;
  readonly largeP50Us: number;
  readonly ratio: number;
}

const growthOf = (small: readonly number[], large: readonly number[]): Growth => ({
  smallP50Us: round(median(small)),
  largeP50Us: round(median(large)),
  ratio: round(median(large.map((us, n) => us / (small[n] ?? NaN))), 2),
});

const measure = async (houses: readonly NoopHouse[], sets: readonly (readonly LineClient[])[]): Promise<number[][]> => {
  const times = houses.map((): number[] => []);
  for (const [n, house] of houses.entries()) await roundUs(sets[n] ?? [], house, WARM_UP);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [n, house] of houses.entries()) times[n]?.push(await roundUs(sets[n] ?? [], house));
  return times;
};

/** `{leases: {live, smallP50Us, largeP50Us, ratio}, connections: {open, …}, reach}`; the small one is the same for both. */
export const run = async (): Promise<object> => {
  const houses: NoopHouse[] = [];
  try {
    for (let n = 0; n < 3; n += 1) houses.push(await startNoop(OPTIONS, TTL_S));
    const [one, leases, connections] = houses;
    if (!one || !leases || !connections) throw new Error('no instance');
    const live = await growLeases(leases);
    const sets = [await connect(one, 1), await connect(leases, 1), await connect(connections, MANY)];
    const [small = [], ofLeases = [], ofConnections = []] = await measure(houses, sets);
    for (const client of sets.flat()) client.close();
    return {
      leases: { live, ...growthOf(small, ofLeases) },
      connections: { open: MANY, ...growthOf(small, ofConnections) },
      reach: 1.3,
    };
  } finally {
    for (const house of houses) {
      house.session.close();
      await house.stop();
    }
  }
};
