/** A house with one service of each kind whose upstream is whatever fixture is set, and a second client beside it. */
import { createServer, type Server, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { connectSocket } from '@airlock/ipc';
import type { AccessRequestResult, AccessWaitResult, CallResult, PendingResult } from '@airlock/protocol';
import {
  addMailbox,
  obtainLease,
  openSession,
  pidsOf,
  startTestInstance,
  type AgentSession,
  type HostileFixture,
  type Running,
} from '@airlock/testkit';

/** Where a service leads: a port of its own, served by the fixture of the moment. */
export interface Switch {
  readonly port: number;
  /** Connections the cell made since the fixture was set. */
  readonly sockets: readonly Socket[];
  set(fixture: HostileFixture): void;
  close(): void;
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

export const openSwitch = async (): Promise<Switch> => {
  let current: HostileFixture | null = null;
  let sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    current?.connection(socket, port);
  });
  const port = await listen(server);
  return {
    port,
    get sockets() {
      return sockets;
    },
    set: (fixture) => {
      for (const socket of sockets) socket.destroy();
      sockets = [];
      current = fixture;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};

/** Approves the front request over the operator's socket, without starting a command. */
const approveNow = async (running: Running): Promise<void> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  try {
    const { front } = (await link.call('pending', {})) as PendingResult;
    if (front === null) throw new Error('nothing is in front');
    const { id: request, digest, match } = front;
    await link.call('request.approve', { request, digest, match, code: running.freshCode() });
  } finally {
    link.close();
  }
};

/** A lease of 8 hours: the clock of these tests moves half a minute with each approval. */
export const lease = async (running: Running, session: AgentSession, scope: string): Promise<string> => {
  const asked = { scopes: [scope], reason: 'a test', ttlS: 28_800 };
  const { request } = await session.call<AccessRequestResult>('access.request', asked);
  await approveNow(running);
  const answer = await session.call<AccessWaitResult>('access.wait', { request, timeoutS: 20 });
  if (answer.lease === undefined) throw new Error(`no lease: ${answer.status}`);
  return answer.lease;
};

/** The most memory any cell has had so far, in bytes. */
export const cellPeakBytes = (running: Running): number =>
  Math.max(
    ...pidsOf(running, 'airlock-cell').map((pid) => {
      try {
        return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
      } catch {
        return 0;
      }
    }),
  );

export interface House {
  readonly running: Running;
  readonly attacked: AgentSession;
  /** One call of another client, on another service. @returns how long it took, in milliseconds */
  neighbour(): Promise<number>;
  /** Adds a service that leads to the switch. */
  add(kind: string, name: string, settings: readonly string[], secrets: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const HEALTHY = 'healthy';

export const openHouse = async (): Promise<House> => {
  const running = await startTestInstance({ roles: ['default', 'other'], cells: 8 });
  await addMailbox(running, HEALTHY);
  const attacked = await openSession(running);
  const other = await openSession(running, { role: 'other' });
  const { lease: calm } = await obtainLease(running, other, [HEALTHY], { ttlS: 28_800 });
  return {
    running,
    attacked,
    neighbour: async () => {
      const before = performance.now();
      await other.call<CallResult>('call', { lease: calm, service: HEALTHY, operation: 'count_unread', params: {} });
      return performance.now() - before;
    },
    add: async (kind, name, settings, secrets) => {
      const args = ['service', 'add', kind, '--name', name, '--no-test', '--stdin', '--json'];
      const stdin = [...secrets, running.freshCode()].join('\n');
      const result = await running.command('airlock-ctl', [...args, ...settings.flatMap((one) => ['--set', one])], {
        stdin: `${stdin}\n`,
      });
      if (result.status !== 0) throw new Error(`service add ${kind}: ${result.stdout}${result.stderr}`);
    },
    stop: async () => {
      attacked.close();
      other.close();
      await running.stop();
    },
  };
};
