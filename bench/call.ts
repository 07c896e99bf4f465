/** A governed call of an operation that does nothing, against a bare JSON-RPC echo through as many sockets. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineClient, parallel, perSecond, sequential } from './line-client.js';
import { callOf, startNoop, type NoopHouse } from './noop.js';
import { cpuMsOf, memoryOf } from './processes.js';
import { median, round } from './statistics.js';

const SEQUENTIAL = 800;
const CONNECTIONS = 16;
const PARALLEL = 3200;
const FRESH = 200;
/** Of 16 clients that each connect anew for every call, together in a round. */
const FRESH_PARALLEL = 800;
const WARM_UP = 2000;
/** Short rounds alternate baseline and product, so that both see the same machine; a ratio is the median over rounds. */
const ROUNDS = 15;

const ready = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once('message', () => resolve()));

interface Baseline {
  readonly path: string;
  stop(): void;
}

const startBaseline = async (dir: string): Promise<Baseline> => {
  const program = fileURLToPath(new URL('echo.js', import.meta.url));
  const [back, front] = [join(dir, 'echo.sock'), join(dir, 'relay.sock')];
  const echo = fork(program, ['echo', back]);
  await ready(echo);
  const relay = fork(program, ['relay', front, back]);
  await ready(relay);
  return {
    path: front,
    stop: () => {
      echo.kill();
      relay.kill();
    },
  };
};

/** What a client says and asks: a session's hello first where there is one. */
interface Question {
  readonly path: string;
  readonly hello: object | null;
  readonly method: string;
  readonly params: object;
}

/** Connect, say hello, call, close; as a short-lived command does. */
const freshCall = async ({ path, hello, method, params }: Question): Promise<void> => {
  const client = new LineClient(path);
  const greeted = hello === null ? null : client.call('hello', hello);
  await Promise.all([greeted, client.call(method, params)]);
  client.close();
};

/** @returns µs each */
const freshConnections = async (question: Question): Promise<number[]> => {
  const latencies: number[] = [];
  for (let n = 0; n < FRESH; n += 1) {
    const began = performance.now();
    await freshCall(question);
    latencies.push((performance.now() - began) * 1000);
  }
  return latencies;
};

/** @returns calls a second of 16 such clients together */
const freshInParallel = async (question: Question): Promise<number> => {
  const start = performance.now();
  const client = async (): Promise<void> => {
    for (let n = 0; n < FRESH_PARALLEL / CONNECTIONS; n += 1) await freshCall(question);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return perSecond(FRESH_PARALLEL, start);
};

const connectAll = async (path: string, hello: object): Promise<LineClient[]> => {
  const clients = Array.from({ length: CONNECTIONS }, () => new LineClient(path));
  await Promise.all(clients.map((client) => client.call('hello', hello)));
  return clients;
};

interface Rounds {
  readonly governed: number[];
  readonly bare: number[];
}

const newRounds = (): Rounds => ({ governed: [], bare: [] });

/** Medians of both, and of what one is of the other in the same round. */
const compare = ({ governed, bare }: Rounds): { governedPerS: number; barePerS: number; ratio: number } => ({
  governedPerS: round(median(governed)),
  barePerS: round(median(bare)),
  ratio: round(median(governed.map((perS, n) => perS / (bare[n] ?? NaN))), 2),
});

const compareFresh = ({ governed, bare }: Rounds): object => {
  const p50Us = round(median(governed));
  const perSOf = (us: readonly number[]): number => round(1e6 / (us.reduce((sum, one) => sum + one, 0) / us.length));
  return { p50Us, perS: perSOf(governed), bareP50Us: round(median(bare)), barePerS: perSOf(bare) };
};

/** Both on connections that stay; what the processes took of the processor meanwhile. */
const onKept = async (house: NoopHouse, echoPath: string): Promise<object> => {
  const params = callOf(house.lease);
  const governed = await connectAll(house.path, house.hello);
  const bare = Array.from({ length: CONNECTIONS }, () => new LineClient(echoPath));
  const [one, bareOne] = [governed[0], bare[0]];
  if (!one || !bareOne) throw new Error('no client');
  const [alone, many] = [newRounds(), newRounds()];
  await sequential(one, 'call', params, WARM_UP);
  await sequential(bareOne, 'echo', params, WARM_UP);
  const before = cpuMsOf(house.running);
  for (let n = 0; n < ROUNDS; n += 1) {
    alone.bare.push(await sequential(bareOne, 'echo', params, SEQUENTIAL));
    alone.governed.push(await sequential(one, 'call', params, SEQUENTIAL));
    many.bare.push(await parallel(bare, 'echo', params, PARALLEL));
    many.governed.push(await parallel(governed, 'call', params, PARALLEL));
  }
  const after = cpuMsOf(house.running);
  for (const client of [...governed, ...bare]) client.close();
  const cpuUs = (name: 'gateway' | 'cell'): number =>
    round(((after[name] - before[name]) * 1000) / (ROUNDS * (SEQUENTIAL + PARALLEL)));
  return {
    sequential: { ...compare(alone), reach: 0.5 },
    connections16: { ...compare(many), reach: 0.45 },
    cpuUsPerCall: { gateway: cpuUs('gateway'), cell: cpuUs('cell') },
  };
};

/** Both with a connection for each call. */
const onFresh = async (house: NoopHouse, echoPath: string): Promise<object> => {
  const params = callOf(house.lease);
  const governed: Question = { path: house.path, hello: house.hello, method: 'call', params };
  const bare: Question = { path: echoPath, hello: null, method: 'echo', params };
  const [alone, many] = [newRounds(), newRounds()];
  for (let n = 0; n < ROUNDS; n += 1) {
    alone.bare.push(...(await freshConnections(bare)));
    alone.governed.push(...(await freshConnections(governed)));
    many.bare.push(await freshInParallel(bare));
    many.governed.push(await freshInParallel(governed));
  }
  return {
    newConnectionPerCall: { ...compareFresh(alone), reach: { p50Us: 369, perS: 2479 } },
    newConnection16: { ...compare(many), reach: { perS: 5654 } },
  };
};

/** `{sequential, connections16, cpuUsPerCall, newConnectionPerCall, newConnection16, memoryMb}`. */
export const run = async (): Promise<object> => {
  const house = await startNoop({ realTime: true });
  const dir = mkdtempSync(join(tmpdir(), 'airlock-echo-'));
  const baseline = await startBaseline(dir);
  try {
    const kept = await onKept(house, baseline.path);
    const fresh = await onFresh(house, baseline.path);
    return { ...kept, ...fresh, memoryMb: { ...memoryOf(house.running), reach: { totp: 60, gateway: 90, cell: 70 } } };
  } finally {
    baseline.stop();
    house.session.close();
    await house.stop();
    rmSync(dir, { recursive: true, force: true });
  }
};
