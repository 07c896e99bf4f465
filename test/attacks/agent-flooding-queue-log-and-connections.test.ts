// Agents of one role flood queue, log, sessions and connections for as long as it takes; the operator and other roles still get through.
import { connectSocket, type Connection } from '@airlock/ipc';
import type { ActionOpenResult, ApproveStatus, PendingResult } from '@airlock/protocol';
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  UNWATCHED,
  approveShown,
  ask,
  configWith,
  connectTo,
  countUnread,
  errorOf,
  filesBelow,
  frontOf,
  pendingOn,
  until,
} from './support/house.js';

const CONNECTIONS = 1100;
/** LIMITS.maxConnectionsPerSocket. */
const CAP = 1024;
const FLOODERS = 4;
const PIPELINED = 48;
/** Far above what an idle machine needs; a command that is starved takes for ever. */
const PATIENCE_MS = 8000;

let running: Running;
let operator: Connection;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 3, config: configWith(UNWATCHED) });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
});
t.teardown(async () => {
  operator.close();
  await running.stop();
});

const flooderPath = (): string => running.sockets['agent/default'] ?? '';
const logBytes = (): number =>
  [...filesBelow(running.env['AIRLOCK_STATE_DIR'] ?? '')]
    .filter(([file]) => file.endsWith('.jsonl'))
    .reduce((sum, [, bytes]) => sum + bytes.length, 0);

/** An operator's command: it has to work, and soon. */
const works = async (t: Test, args: readonly string[], stdin?: string): Promise<unknown> => {
  const began = performance.now();
  const result = await running.command('airlock-ctl', [...args, '--json'], stdin === undefined ? {} : { stdin });
  const tookMs = Math.round(performance.now() - began);
  t.equal(result.status, 0, `${args[0] ?? ''}: ${result.stdout.slice(0, 200)}${result.stderr}`);
  t.ok(tookMs < PATIENCE_MS, `${args.join(' ')} took ${tookMs} ms`);
  return result.json;
};

/** What a flooder sends, without end. */
const FLOOD: readonly (readonly [string, object])[] = [
  ['call', { lease: `al1.${'A'.repeat(4000)}.${'A'.repeat(43)}`, service: 'mail', operation: 'list_messages', params: {} }],
  ['access.request', { scopes: ['mail:read'], reason: 'flood' }],
  ['access.request', { scopes: ['mail:write'], reason: 'flood' }],
  ['access.wait', { request: 'r-aaaaaaaaaa', timeoutS: 50 }],
  ['tools.search', { query: 'x'.repeat(256) }],
  ['nosuch', { x: 'y'.repeat(10_000) }],
  ['request.approve', { code: '123456' }],
  ['access.status', {}],
];

interface Flood {
  readonly answered: () => number;
  stop(): Promise<void>;
}

/** Agents that pipeline requests on many connections, each with a session of its own. */
const flood = async (): Promise<Flood> => {
  const agents = await Promise.all(Array.from({ length: FLOODERS }, () => openSession(running)));
  let stopped = false;
  let answered = 0;
  const run = async (agent: AgentSession): Promise<void> => {
    while (!stopped) {
      const batch = Array.from({ length: PIPELINED }, (_, n) => {
        const [method, params] = FLOOD[n % FLOOD.length] ?? ['access.status', {}];
        return refusalOf(agent.call(method, params));
      });
      await Promise.all(batch);
      answered += batch.length;
    }
  };
  const runs = agents.map(run);
  return {
    answered: () => answered,
    stop: async () => {
      stopped = true;
      await Promise.all(runs);
      for (const agent of agents) agent.close();
    },
  };
};

/** An action is next whatever waits; one denial brings it to the front, and there nothing displaces it. */
const actionGetsThrough = async (t: Test): Promise<void> => {
  await until(
    () => pendingOn(operator),
    ({ front }) => front?.kind === 'lease',
  );
  const action = { verb: 'service.test', params: { service: 'mail' } };
  const { request, position } = await ask<ActionOpenResult>(operator, 'action.open', action);
  t.equal(position, 1, 'QUEUE-7');
  await ask(operator, 'request.deny');
  t.equal((await frontOf(operator)).id, request.id);
  t.ok((await approveShown(running, operator)).ticket, 'an action of the operator is approved in the midst of it');
};

t.test('while it goes on, every command of the operator works, another role is served, and the log stays small', async (t) => {
  const friend = await openSession(running, { role: 'other' });
  const { lease } = await obtainLease(running, friend, ['mail:read'], { ttlS: 7200 });
  const before = logBytes();
  const attack = await flood();
  await until(
    async () => [attack.answered()],
    ([answered = 0]) => answered >= FLOODERS * PIPELINED,
  );

  const pending = (await works(t, ['pending'])) as PendingResult;
  t.ok(pending.front, 'the flood reached the queue');
  t.ok(pending.waiting.length <= 2, 'QUEUE-7: three of one role');
  await works(t, ['deny', '--all']);
  await works(t, ['status']);
  await works(t, ['service', 'list']);
  running.clock.advance(61_000);
  await actionGetsThrough(t);
  t.equal(await refusalOf(countUnread(friend, lease)), null, 'another role’s lease is served');
  t.equal(
    await refusalOf(friend.call('access.request', { scopes: ['mail:read'], reason: 'me, too' })),
    null,
    'and its request is queued',
  );
  await works(t, ['audit', '--event', 'operation']);
  await works(t, ['lock']);
  t.equal((await ask<ApproveStatus>(operator, 'status')).locked, true);

  await attack.stop();
  const grown = logBytes() - before;
  t.comment(`${attack.answered()} requests answered, ${grown} bytes of log`);
  t.ok(attack.answered() > 500, 'negative control: it was a flood');
  t.ok(grown < 200_000, `AUDIT-24: refusals fold: ${grown} bytes`);
  friend.close();
});

t.test('the operator’s actions go next, whatever waits', async (t) => {
  await ask(operator, 'request.deny', { all: true });
  running.clock.advance(7_200_000);
  await works(t, ['unlock'], `${running.freshCode()}\n`);
  const agents = await Promise.all(Array.from({ length: 10 }, () => openSession(running)));
  const outcomes = await Promise.all(
    agents.map((agent) => refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'me' }))),
  );
  t.equal(outcomes.filter((outcome) => outcome === null).length, 3);
  t.equal(outcomes.filter((outcome) => outcome === 'RATE_LIMITED').length, 7, 'negative control: the queue was full for them');
  const { request } = await ask<{ request: { id: string } }>(operator, 'action.open', {
    verb: 'service.test',
    params: { service: 'mail' },
  });
  t.equal((await pendingOn(operator)).waiting[0]?.id, request.id);
  await ask(operator, 'request.deny', { all: true });
  for (const agent of agents) agent.close();
});

/** Again and again while the kernel's queue of the socket is full: the gateway has to turn it away, not the kernel. */
const connected = async (path: string): Promise<Socket> => {
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
};

t.test('WIRE-17: connections beyond the cap are turned away, the operator’s and another role’s are not', async (t) => {
  const sockets: Socket[] = [];
  let turnedAway = 0;
  for (let n = 0; n < CONNECTIONS; n += 1) {
    const socket = await connected(flooderPath());
    socket.on('error', () => undefined);
    socket.on('data', () => (turnedAway += 1));
    sockets.push(socket);
  }
  await until(
    async () => [turnedAway],
    ([count = 0]) => count >= CONNECTIONS - CAP,
  );
  t.equal(turnedAway, CONNECTIONS - CAP);
  const own = await errorOf(openSession(running));
  t.equal(own.code, 'UNAVAILABLE', 'negative control: the role itself is full');
  await works(t, ['pending']);
  await works(t, ['status']);
  const friend = await openSession(running, { role: 'other' });
  t.equal(await refusalOf(friend.call('access.status')), null);
  friend.close();
  for (const socket of sockets) socket.destroy();
  const again = await until(
    () => openSession(running),
    () => true,
  );
  t.ok(again.hello.session, 'and when they are gone the role is served again');
  again.close();
});

/** Memory of the gateway, MiB. */
const memoryMib = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${running.pids.gateway}/status`, 'utf8'))?.[1]) / 1024;

/** Raw connections that each write some bytes and never read. @returns how many were ended meanwhile */
const hoard = async (count: number, bytes: Buffer, isDone: (ended: number) => boolean): Promise<number> => {
  const sockets: Socket[] = [];
  let ended = 0;
  for (let n = 0; n < count; n += 1) {
    const socket = connect(flooderPath());
    socket.on('error', () => undefined);
    socket.on('close', () => (ended += 1));
    await once(socket, 'connect');
    socket.write(bytes);
    sockets.push(socket);
  }
  await until(
    async () => [ended],
    ([value = 0]) => isDone(value),
  );
  const endedByGateway = ended;
  for (const socket of sockets) socket.destroy();
  return endedByGateway;
};

t.test('WIRE-22: half frames of many connections do not fill the gateway’s memory', async (t) => {
  const quiet = await openSession(running);
  const before = memoryMib();
  const halfFrame = Buffer.alloc(1_000_000, 'x');
  halfFrame.write('"');
  const ended = await hoard(400, halfFrame, (count) => count > 200);
  t.ok(ended > 200, `negative control: ${ended} of 400 megabytes were not taken`);
  t.ok(memoryMib() - before < 300, `half frames: ${Math.round(before)} to ${Math.round(memoryMib())} MiB`);
  t.equal(await refusalOf(quiet.call('access.status')), null, 'who sends whole frames and reads goes on');
  await works(t, ['status']);
  t.equal(await hoard(20, halfFrame, () => true), 0, 'negative control: what they held was given back');
  quiet.close();
});

t.test('garbage, frames without end and half frames end their own connection only', async (t) => {
  const quiet = await openSession(running);
  const hostile = await Promise.all(
    [
      '\u0000\u0001\u0002',
      `${'['.repeat(100_000)}\n`,
      `"${'x'.repeat(1_200_000)}`,
      '{"jsonrpc":"2.0"',
      'GET / HTTP/1.1\r\n\r\n',
    ].map(async (bytes) => {
      const socket = connect(flooderPath());
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      return socket;
    }),
  );
  t.equal(await refusalOf(quiet.call('access.status')), null);
  await works(t, ['status']);
  for (const socket of hostile) socket.destroy();
  quiet.close();
});

t.test('sessions without end: a role loses its own oldest ones, and the file that keeps them stays bounded', async (t) => {
  const file = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/sessions.jsonl');
  const holder = await openSession(running);
  for (let n = 0; n < 200; n += 1) {
    const link = await connectSocket(flooderPath());
    await link.call('hello', { client: 'x', protocol: 1 });
    link.close();
  }
  const bytes = filesBelow(running.env['AIRLOCK_STATE_DIR'] ?? '').get(file)?.length ?? Infinity;
  t.ok(bytes < 1_000_000, `${bytes} bytes`);
  t.equal(await refusalOf(holder.call('access.status')), null, 'one that is connected stays');
  t.equal(await refusalOf(openSession(running, { resume: holder.hello.resume })), null);
  holder.close();
});
