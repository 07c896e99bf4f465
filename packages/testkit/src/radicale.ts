/** A private Radicale on 127.0.0.1 for tests: own configuration, own directory, no system service touched. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface RadicaleServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Where its collections lie; byte-identical after reading. */
  readonly collections: string;
  /** Everything it has logged, requests among it. */
  log(): string;
  stop(): Promise<void>;
}

/** Path of the program, or null where Radicale is not installed. */
export const radicaleBinary = (): string | null => ['/usr/bin/radicale'].find((path) => existsSync(path)) ?? null;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

const configuration = (directory: string, port: number): string => `[server]
hosts = 127.0.0.1:${port}
[auth]
type = htpasswd
htpasswd_filename = ${directory}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = ${directory}
[logging]
level = info
`;

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const untilReady = async (port: number, child: ChildProcess): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await answers(port)) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('radicale did not start');
};

/**
 * Starts Radicale with these accounts.
 * @param users name to password.
 * @param files path below the collections, such as `ada/work/a.ics`, to its text; each folder becomes a calendar.
 */
export const startRadicale = async (
  users: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
): Promise<RadicaleServer> => {
  const binary = radicaleBinary();
  if (binary === null) throw new Error('radicale is not installed');
  const directory = mkdtempSync(join(tmpdir(), 'airlock-radicale-'));
  const collections = join(directory, 'collection-root');
  for (const [path, text] of Object.entries(files)) {
    const folder = dirname(join(collections, path));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, '.Radicale.props'),
      JSON.stringify({ tag: 'VCALENDAR', 'D:displayname': folder.split('/').at(-1) }),
    );
    writeFileSync(join(collections, path), text);
  }
  writeFileSync(
    join(directory, 'users'),
    Object.entries(users)
      .map(([name, password]) => `${name}:${password}\n`)
      .join(''),
  );
  const port = await freePort();
  writeFileSync(join(directory, 'config'), configuration(directory, port));
  const child = spawn(binary, ['--config', join(directory, 'config')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await untilReady(port, child);
  } catch (thrown) {
    await stop();
    throw new Error(`${String(thrown)}: ${printed.slice(-1000)}`);
  }
  return { url: `http://127.0.0.1:${port}`, collections, log: () => printed, stop };
};
