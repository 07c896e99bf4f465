/** A governed call of an operation that does nothing, against a bare JSON-RPC echo through as many sockets. */
import { obtainLease, openSession, startTestInstance, type Running } from '@airlock/testkit';
import { cpuMsOf, memoryOf } from './processes.js';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SEQUENTIAL = 800;
const CONNECTIONS = 16;
const PARALLEL = 3200;
const FRESH = 200;
const WARM_UP = 2000;
/** Short rounds alternate baseline and product, so that both see the same machine; a ratio is the median over rounds. */
const ROUNDS = 15;

const MANIFEST = {
  connector: 1,
  kind: 'noop',
  title: 'Nothing',
  module: 'noop',
  summary: 'answers with what it was given',
  settings: { type: 'object', additionalProperties: false, properties: {} },
  credential: { fields: {} },
  destination: { path: '/dev/null' },
  operations: [
    {
      name: 'echo',
      class: 'read',
      outward: false,
      untrusted: false,
      summary: 'returns its text',
      params: {
        type: 'object',
        additionalProperties: false,
        required: ['text'],
        properties: { text: { type: 'string', maxLength: 4096 } },
      },
      result: { type: 'object' },
    },
  ],
};
const MODULE = `exports.connector = {
  open: async () => ({ execute: async (operation, params) => ({ result: { text: params.text }, count: 1 }), close: async () => {} }),
  test: async () => {},
};`;

const PAYLOAD = 'x'.repeat(200);

/** A client of its own: one line out, one line in, so that both sides are driven by the same code. */
class LineClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (message: { error?: unknown }) => void>();
  #rest = '';
  #next = 0;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as { id?: number; error?: unknown });
    });
  }

  call(method: string, params: object): Promise<{ error?: unknown }> {
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: { id?: number; error?: unknown }): void {
    if (message.id === undefined) return;
    if (message.error !== undefined) throw new Error(JSON.stringify(message.error));
    const resolve = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    resolve?.(message);
  }
}

const perSecond = (count: number, startMs: number): number => (count / (performance.now() - startMs)) * 1000;

const sequential = async (client: LineClient, method: string, params: object, count: number): Promise<number> => {
  const start = performance.now();
  for (let n = 0; n < count; n += 1) await client.call(method, params);
  return perSecond(count, start);
};

const parallel = async (clients: readonly LineClient[], method: string, params: object, total: number): Promise<number> => {
  const start = performance.now();
  await Promise.all(clients.map((client) => sequential(client, method, params, total / clients.length)));
  return perSecond(total, start);
};

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

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** Connect, say hello with the session's resume where there is one, call, close; as a short-lived command does. @returns µs each */
const freshConnections = async (path: string, hello: object | null, method: string, params: object): Promise<number[]> => {
  const latencies: number[] = [];
  for (let n = 0; n < FRESH; n += 1) {
    const began = performance.now();
    const client = new LineClient(path);
    const greeted = hello === null ? null : client.call('hello', hello);
    await Promise.all([greeted, client.call(method, params)]);
    client.close();
    latencies.push((performance.now() - began) * 1000);
  }
  return latencies;
};

const prepare = async (): Promise<{ running: Running; lease: string; resume: string; path: string; config: string }> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-bench-'));
  mkdirSync(join(config, 'connectors'));
  writeFileSync(join(config, 'connectors/noop.json'), JSON.stringify(MANIFEST));
  writeFileSync(join(config, 'connectors/noop.cjs'), MODULE);
  // What is measured is no normal use.
  writeFileSync(join(config, 'airlock.yaml'), 'anomalies: {calls_per_minute: 1000000}\n');
  const running = await startTestInstance({ config, realTime: true });
  const added = await running.command('airlock-ctl', ['service', 'add', 'noop', '--json'], { stdin: `${running.freshCode()}\n` });
  if (added.status !== 0) throw new Error(added.stderr);
  const session = await openSession(running);
  const { lease } = await obtainLease(running, session, ['noop:read'], { ttlS: 3600 });
  return { running, lease, resume: session.hello.resume, path: running.sockets['agent/default'] ?? '', config };
};

const connectAll = async (path: string, resume: string): Promise<LineClient[]> => {
  const clients = Array.from({ length: CONNECTIONS }, () => new LineClient(path));
  await Promise.all(clients.map((client) => client.call('hello', { client: 'bench', protocol: 1, resume })));
  return clients;
};

interface Rounds {
  readonly governed: number[];
  readonly bare: number[];
}

/** Medians of both, and of what one is of the other in the same round. */
const compare = ({ governed, bare }: Rounds): { governedPerS: number; barePerS: number; ratio: number } => ({
  governedPerS: round(median(governed)),
  barePerS: round(median(bare)),
  ratio: round(median(governed.map((perS, n) => perS / (bare[n] ?? NaN))), 2),
});

const compareFresh = ({ governed, bare }: Rounds): object => {
  const p50Us = round(median(governed));
  const meanUs = governed.reduce((sum, us) => sum + us, 0) / governed.length;
  return { p50Us, perS: round(1e6 / meanUs), bareP50Us: round(median(bare)) };
};

const newRounds = (): Rounds => ({ governed: [], bare: [] });

export const run = async (): Promise<object> => {
  const { running, lease, resume, path, config } = await prepare();
  const baseline = await startBaseline(config);
  const params = { lease, service: 'noop', operation: 'echo', params: { text: PAYLOAD } };
  const governed = await connectAll(path, resume);
  const bare = Array.from({ length: CONNECTIONS }, () => new LineClient(baseline.path));
  const [one, bareOne] = [governed[0], bare[0]];
  if (!one || !bareOne) throw new Error('no client');
  const hello = { client: 'bench', protocol: 1, resume };
  const [alone, many, fresh] = [newRounds(), newRounds(), newRounds()];
  await sequential(one, 'call', params, WARM_UP);
  await sequential(bareOne, 'echo', params, WARM_UP);
  const before = cpuMsOf(running);
  for (let n = 0; n < ROUNDS; n += 1) {
    alone.bare.push(await sequential(bareOne, 'echo', params, SEQUENTIAL));
    alone.governed.push(await sequential(one, 'call', params, SEQUENTIAL));
    many.bare.push(await parallel(bare, 'echo', params, PARALLEL));
    many.governed.push(await parallel(governed, 'call', params, PARALLEL));
  }
  const after = cpuMsOf(running);
  for (let n = 0; n < ROUNDS; n += 1) {
    fresh.bare.push(...(await freshConnections(baseline.path, null, 'echo', params)));
    fresh.governed.push(...(await freshConnections(path, hello, 'call', params)));
  }
  const memoryMb = { ...memoryOf(running), reach: { totp: 60, gateway: 90, cell: 70 } };
  for (const client of [...governed, ...bare]) client.close();
  baseline.stop();
  await running.stop();
  rmSync(config, { recursive: true, force: true });
  const cpuUs = (name: 'gateway' | 'cell'): number =>
    round(((after[name] - before[name]) * 1000) / (ROUNDS * (SEQUENTIAL + PARALLEL)));
  return {
    sequential: { ...compare(alone), reach: 0.5 },
    connections16: { ...compare(many), reach: 0.45 },
    newConnectionPerCall: { ...compareFresh(fresh), reach: { p50Us: 369, perS: 2479 } },
    cpuUsPerCall: { gateway: cpuUs('gateway'), cell: cpuUs('cell') },
    memoryMb,
  };
};
