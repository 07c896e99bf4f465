/** The daemon as a process, on sockets that were passed to it, as systemd does. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSocket, type Connection } from '@airlock/ipc';
import { systemClock, systemTimers, type GatewayStatus } from '@airlock/protocol';
import { boundSocket } from '@airlock/protocol/dev';
import t, { type Test } from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { optionsFromEnv } from '../src/start.js';

const optionsOf = (env: NodeJS.ProcessEnv): ReturnType<typeof optionsFromEnv> => optionsFromEnv(env, systemClock, systemTimers);

t.test('without an environment the places of the package are used', async (t) => {
  t.match(optionsOf({}), {
    ...{ runtimeDir: '/run/airlock', stateDir: '/var/lib/airlock/gateway', configDir: '/etc/airlock' },
    connectorDirs: ['/usr/lib/airlock/connectors', '/etc/airlock/connectors'],
    cellSlots: GATEWAY_LIMITS.cellSlots,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll(/[-\n]/g, ''),
  });
  t.equal(optionsOf({}).sockets.size, 0);
});

t.test('what the environment says is taken, and a number that is none is not', async (t) => {
  const env = { AIRLOCK_RUNTIME_DIR: '/r', AIRLOCK_STATE_DIR: '/s', AIRLOCK_CONFIG_DIR: '/c', AIRLOCK_CONNECTORS: '/one::/two' };
  t.match(optionsOf({ ...env, AIRLOCK_BOOT_ID: 'b', AIRLOCK_CELL_SLOTS: '3' }), {
    ...{ runtimeDir: '/r', stateDir: '/s/gateway', configDir: '/c', connectorDirs: ['/one', '/two'] },
    ...{ bootId: 'b', cellSlots: 3 },
  });
  t.equal(optionsOf({ ...env, STATE_DIRECTORY: '/own' }).stateDir, '/own', 'systemd has the last word');
  t.match(optionsOf({ AIRLOCK_BOOT_ID: '' }).bootId, /^[0-9a-f]{32}$/, 'an empty boot id is none');
  for (const count of ['0', '-1', '1.5', 'many', String(GATEWAY_LIMITS.maxCellSlots + 1)])
    t.equal(optionsOf({ AIRLOCK_CELL_SLOTS: count }).cellSlots, GATEWAY_LIMITS.cellSlots, count);
});

interface Running {
  readonly dir: string;
  readonly said: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly endInput: () => void;
  readonly status: Promise<number | null>;
  readonly connect: () => Promise<Connection>;
}

/** @param broken a second descriptor, which is no socket */
const launch = (t: Test, main: string, { broken = false, env = {} }: { broken?: boolean; env?: object } = {}): Running => {
  // Not the directory of the test: the names of sockets have 107 characters.
  const dir = mkdtempSync(join(tmpdir(), 'gs-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'connectors'));
  writeFileSync(join(dir, 'clock'), '1790000000000 1000000');
  const path = join(dir, 's');
  const socket = boundSocket(path);
  t.teardown(() => socket.close());
  const fds = [socket.fd, ...(broken ? [openSync(join(dir, 'clock'), 'r')] : [])];
  const names = ['operator/default', 'agent/default'].slice(0, fds.length);
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src', main)], {
    stdio: ['pipe', 'ignore', 'pipe', ...fds],
    env: {
      ...process.env,
      ...{ LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names.join(':') },
      ...{ AIRLOCK_RUNTIME_DIR: dir, STATE_DIRECTORY: join(dir, 'state'), AIRLOCK_CONFIG_DIR: dir },
      ...{ AIRLOCK_CONNECTORS: join(dir, 'connectors'), AIRLOCK_DEV_CLOCK_FILE: join(dir, 'clock'), ...env },
    },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr?.on('data', (piece: Buffer) => (text += piece.toString()));
  let isOver = false;
  const status = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      isOver = true;
      resolve(code);
    });
  });
  const connect = async (): Promise<Connection> => {
    while (!isOver) {
      const connection = await connectSocket(path).catch(() => null);
      if (connection !== null) return connection;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(text);
  };
  return {
    ...{ dir, said: () => text, status, connect },
    kill: (signal) => void child.kill(signal),
    endInput: () => void child.stdin?.end(),
  };
};

t.test('it serves, sealed without a configuration, and ends of a signal with 0', async (t) => {
  const { connect, kill, status, said } = launch(t, 'main.js');
  const connection = await connect();
  t.equal(((await connection.call('status', {})) as GatewayStatus).sealed?.code, 'CONFIG_INVALID');
  kill('SIGINT');
  t.equal(await status, 0);
  t.match(said(), /^airlock-gateway: starting sealed: /);
  connection.close();
});

t.test('for development the clock is a file, and the end of the launcher is its own', async (t) => {
  const { connect, status, endInput, dir } = launch(t, 'dev/main.js');
  const connection = await connect();
  await connection.call('status', {});
  endInput();
  t.equal(await status, 0);
  t.match(readFileSync(join(dir, 'state/audit/2026-09-21.jsonl'), 'utf8'), /"event":"started"/, 'the day of the file');
  connection.close();
});

t.test('a descriptor that is no socket, or a count that does not add up, ends it at once, and it says why', async (t) => {
  const [broken, miscounted] = [launch(t, 'main.js', { broken: true }), launch(t, 'main.js', { env: { LISTEN_FDS: '2' } })];
  t.equal(await broken.status, 1);
  t.match(broken.said(), /airlock-gateway: .*(EINVAL|ENOTSOCK|handle type)/);
  t.equal(await miscounted.status, 1);
  t.match(miscounted.said(), /airlock-gateway: LISTEN_FDS says 2, LISTEN_FDNAMES has 1 names/);
});
