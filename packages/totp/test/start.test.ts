/** The daemon as a process, on sockets that were passed to it, as systemd does. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connectSocket, type Connection } from '@airlock/ipc';
import { COMPILED_CONFIG_FILE, DEFAULT_CONFIG, type ApproveStatus } from '@airlock/protocol';
import { boundSocket } from '@airlock/protocol/dev';
import t, { type Test } from 'tap';
import { optionsFromEnvironment } from '../src/environment.js';
import { SECRET_TEXT } from './support/daemon.js';

const putConfig = (dir: string, text: string): void => {
  const path = join(dir, COMPILED_CONFIG_FILE);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

t.test('without an environment the places of the package are used', (t) => {
  const options = optionsFromEnvironment({});
  t.match(options, {
    stateDir: '/var/lib/airlock/totp',
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll(/[-\n]/g, ''),
  });
  t.equal(optionsFromEnvironment({ AIRLOCK_BOOT_ID: '' }).bootId, options.bootId, 'an empty boot id is none');
  t.equal(options.credentialsDir, undefined);
  t.equal(options.sockets.size, 0);
  t.end();
});

t.test(
  'what the environment says is taken; a configuration that is none starts sealed, with the operators of the sockets',
  (t) => {
    const dir = t.testdir({});
    putConfig(dir, JSON.stringify(DEFAULT_CONFIG));
    putConfig(join(dir, 'damaged'), '{');
    putConfig(join(dir, 'odd'), '{}');
    const optionsOf = (folder: string): ReturnType<typeof optionsFromEnvironment> =>
      optionsFromEnvironment({
        ...{ AIRLOCK_STATE_DIR: '/s', AIRLOCK_BOOT_ID: 'b', CREDENTIALS_DIRECTORY: '/c', AIRLOCK_CONFIG_DIR: folder },
        ...{ LISTEN_FDS: '3', LISTEN_FDNAMES: 'approve/ada:bridge:approve/bob' },
      });
    const whole = optionsOf(dir);
    t.match(whole, { stateDir: '/s/totp', bootId: 'b', credentialsDir: '/c', config: DEFAULT_CONFIG });
    t.equal(whole.configProblem, undefined);
    t.same(
      [...whole.sockets],
      [
        ['approve/ada', { fd: 3 }],
        ['bridge', { fd: 4 }],
        ['approve/bob', { fd: 5 }],
      ],
    );
    t.equal(optionsFromEnvironment({ STATE_DIRECTORY: '/own' }).stateDir, '/own', 'systemd has the last word');
    for (const [folder, problem] of [
      ['none', /cannot be read \(ENOENT\)/],
      ['damaged', /is no JSON/],
      ['odd', /./],
    ] as const) {
      const options = optionsOf(join(dir, folder));
      t.match(options.configProblem, { code: 'CONFIG_INVALID', message: problem });
      t.same(options.config.operators, ['ada', 'bob']);
    }
    t.end();
  },
);

interface Running {
  readonly dir: string;
  readonly said: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly status: Promise<number | null>;
  readonly connect: () => Promise<Connection>;
}

interface Launch {
  readonly name?: string;
  /** A second descriptor, which is no socket. */
  readonly broken?: boolean;
  readonly env?: object;
}

const launch = (t: Test, main: string, { name = 'root', broken = false, env = {} }: Launch = {}): Running => {
  // Not the directory of the test: the names of sockets have 107 characters.
  const dir = mkdtempSync(join(tmpdir(), 'ts-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'clock'), '1790000000000 1000000');
  putConfig(dir, JSON.stringify(DEFAULT_CONFIG));
  const path = join(dir, 's');
  const socket = boundSocket(path);
  t.teardown(() => socket.close());
  const fds = [socket.fd, ...(broken ? [openSync(join(dir, 'clock'), 'r')] : [])];
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src', main)], {
    stdio: ['ignore', 'ignore', 'pipe', ...fds],
    env: {
      ...process.env,
      ...{ LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: [name, 'bridge'].slice(0, fds.length).join(':') },
      ...{ STATE_DIRECTORY: join(dir, 'state'), AIRLOCK_CONFIG_DIR: dir, AIRLOCK_DEV_CLOCK_FILE: join(dir, 'clock'), ...env },
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
  return { dir, said: () => text, status, connect, kill: (signal) => void child.kill(signal) };
};

const statusOf = async (connection: Connection): Promise<ApproveStatus> =>
  (await connection.call('status', { operator: 'default' })) as ApproveStatus;

t.test('it serves until a signal, of which it ends with 0; its files are its own', async (t) => {
  const { connect, kill, status, dir, said } = launch(t, 'main.js');
  const connection = await connect();
  t.match(await statusOf(connection), { enrolled: false, sealed: null });
  kill('SIGTERM');
  t.equal(await status, 0);
  t.equal(said(), '');
  t.ok(readdirSync(join(dir, 'state')).includes('head-key.totp'));
  connection.close();
});

t.test('for development the clock is a file, and the phone is given', async (t) => {
  const secret = join(t.testdir({ secret: `${SECRET_TEXT}\n` }), 'secret');
  const { connect, kill, status, dir } = launch(t, 'dev/main.js', { env: { AIRLOCK_DEV_TOTP_SECRET_FILE: secret } });
  const connection = await connect();
  t.match(await statusOf(connection), { enrolled: true });
  kill('SIGINT');
  t.equal(await status, 0);
  t.ok(readdirSync(join(dir, 'state/audit')).includes('2026-09-21.jsonl'), 'the day of the file');
  connection.close();
});

t.test('a socket without a meaning, or a descriptor that is none, ends it at once, and it says why', async (t) => {
  const [unknown, broken] = [launch(t, 'main.js', { name: 'mailbox' }), launch(t, 'main.js', { broken: true })];
  t.equal(await unknown.status, 1);
  t.match(unknown.said(), 'airlock-totp: error: no socket of this daemon is called mailbox');
  t.equal(await broken.status, 1);
  t.match(broken.said(), /airlock-totp: error: .*(EINVAL|ENOTSOCK|handle type)/);
});
