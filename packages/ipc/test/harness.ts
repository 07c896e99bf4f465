/** A server with a few methods on a path of its own, and peers that speak bytes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { AirlockError, type ErrorCode } from '@airlock/protocol';
import type { Test } from 'tap';
import { always, serveSocket, type MethodTable, type ServeOptions, type SocketServer } from '../src/index.js';

export interface State {
  greeted: boolean;
}

/** Promises a test settles by hand, in the order they were asked for. */
export interface Gate {
  readonly waiting: (() => void)[];
}

const anything = (): null => null;
const needsName = (params: unknown): AirlockError | null =>
  'name' in (params as object)
    ? null
    : new AirlockError('PARAMS_INVALID', 'params.name: expected a value', { field: 'params.name' });

export const testTable = (gate: Gate = { waiting: [] }): MethodTable<State> => ({
  echo: { params: anything, permitted: always, handle: (params) => params },
  later: { params: anything, permitted: always, handle: async (params) => Promise.resolve(params) },
  hold: {
    params: anything,
    permitted: always,
    handle: (params) => new Promise((resolve) => gate.waiting.push(() => resolve(params))),
  },
  greet: {
    params: needsName,
    permitted: always,
    handle: (params: { name: string }, { state }) => {
      state.greeted = true;
      return { hello: params.name };
    },
  },
  secret: {
    params: needsName,
    permitted: ({ greeted }) => (greeted ? null : new AirlockError('NOT_AUTHENTICATED', 'greet first')),
    handle: () => ({ ok: true }),
  },
  boom: {
    params: anything,
    permitted: always,
    handle: () => {
      throw new Error('hunter2');
    },
  },
  reject: { params: anything, permitted: always, handle: () => Promise.reject(new Error('hunter2')) },
  cycle: {
    params: anything,
    permitted: always,
    handle: () => {
      const loop: Record<string, unknown> = {};
      loop['loop'] = loop;
      return loop;
    },
  },
  large: { params: anything, permitted: always, handle: ({ bytes }: { bytes: number }) => ({ text: 'x'.repeat(bytes) }) },
  nothing: { params: anything, permitted: always, handle: () => undefined },
});

export interface Served {
  readonly path: string;
  readonly server: SocketServer<State>;
  readonly protocolErrors: AirlockError[];
  readonly internalErrors: unknown[];
  readonly closeReasons: AirlockError[];
}

/** Serves until the test ends. */
export const serve = async (t: Test, options: Partial<ServeOptions<State>> = {}): Promise<Served> => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-ipc-'));
  const path = join(dir, 's');
  const protocolErrors: AirlockError[] = [];
  const internalErrors: unknown[] = [];
  const closeReasons: AirlockError[] = [];
  const server = await serveSocket<State>({
    name: 'test',
    table: testTable(),
    open: () => ({ greeted: false }),
    onProtocolError: (_connection, error) => void protocolErrors.push(error),
    onInternalError: (_method, thrown) => void internalErrors.push(thrown),
    onClose: (_connection, reason) => void closeReasons.push(reason),
    ...options,
    path,
  });
  t.teardown(async () => {
    await server.close();
    rmSync(dir, { recursive: true });
  });
  return { path, server, protocolErrors, internalErrors, closeReasons };
};

/** A peer that sends what it likes. */
export interface RawPeer {
  readonly socket: Socket;
  /** Lines received and not taken yet. */
  nextLine(): Promise<Answer>;
  /** Resolves when the other side has ended the connection. */
  readonly closed: Promise<void>;
}

export interface Answer {
  readonly id: unknown;
  readonly result?: unknown;
  readonly method?: string;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data: { readonly code: ErrorCode; readonly found?: string };
  };
}

export const rawPeer = async (t: Test, path: string): Promise<RawPeer> => {
  const socket = connect(path);
  await once(socket, 'connect');
  t.teardown(() => socket.destroy());
  const lines: string[] = [];
  const waiters: ((line: string) => void)[] = [];
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      const waiter = waiters.shift();
      if (waiter === undefined) lines.push(line);
      else waiter(line);
    }
  });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const nextText = (): Promise<string> => {
    const line = lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return Promise.race([
      new Promise<string>((resolve) => waiters.push(resolve)),
      closed.then(() => Promise.reject(new Error('closed before a line came'))),
    ]);
  };
  return { socket, closed, nextLine: async () => JSON.parse(await nextText()) as Answer };
};

export const request = (id: unknown, method: string, params?: unknown): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;

/** Waits until the condition holds, a turn of the event loop at a time; never by the clock. */
export const until = async (condition: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the condition never came to hold');
};

/** Asserts the code of what a promise rejects with, and gives the error. */
export const rejection = async (t: Test, promise: Promise<unknown>, code: ErrorCode): Promise<AirlockError> => {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AirlockError)) throw new Error(`expected ${code}`);
  t.equal(thrown.code, code);
  return thrown;
};
