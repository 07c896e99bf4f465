/** UPSTREAM-1, UPSTREAM-2, UPSTREAM-4: the host as a process on a socket that was passed to it, as systemd does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { newHost } from '../src/host.js';

const MAIN = join(import.meta.dirname, '../src/main.js');
const TOKEN = 't'.repeat(32);

interface Running {
  readonly path: string;
  readonly host: ChildProcess;
}

interface Binding {
  readonly Pipe: new (type: number) => { readonly fd: number; bind(path: string): number; close(): void };
  readonly constants: { readonly SERVER: number };
}

/** Binds without ever accepting, and hands the descriptor on. */
const start = async (t: Test): Promise<Running> => {
  const dir = mkdtempSync(join(tmpdir(), 'mh-'));
  const path = join(dir, 's');
  const { Pipe, constants } = (process as unknown as { binding(name: 'pipe_wrap'): Binding }).binding('pipe_wrap');
  const handle = new Pipe(constants.SERVER);
  handle.bind(path);
  const env = { LISTEN_FDS: '1', SECRET_OF_HOST: 'x' };
  const host = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'inherit', 'inherit', handle.fd], env });
  t.teardown(() => {
    handle.close();
    host.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  return { path, host };
};

const connect = async (path: string, allowHalfOpen = false): Promise<Socket> => {
  const socket = createConnection({ path, allowHalfOpen });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};

/** In this process: the file of a listening socket of Node goes with it. */
const serve = async (t: Test): Promise<string> => {
  const dir = mkdtempSync(join(tmpdir(), 'mh-'));
  const path = join(dir, 's');
  const host = newHost({ isWalled: false, end: () => undefined });
  const server = createServer({ allowHalfOpen: true }, (socket) => host.accept(socket));
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return path;
};

const untilListening = async (path: string): Promise<Socket> => {
  for (;;) {
    const socket = await connect(path).catch(() => null);
    if (socket !== null) return socket;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()));

class Cell {
  readonly control: Socket;
  readonly said: Record<string, unknown>[] = [];
  #held = '';

  constructor(control: Socket) {
    this.control = control;
    control.on('data', (piece: Buffer) => {
      this.#held += piece.toString();
      for (let end = this.#held.indexOf('\n'); end >= 0; end = this.#held.indexOf('\n')) {
        this.said.push(JSON.parse(this.#held.slice(0, end)) as Record<string, unknown>);
        this.#held = this.#held.slice(end + 1);
      }
    });
  }

  say(message: object): void {
    this.control.write(`${JSON.stringify(message)}\n`);
  }

  async hear(name: string): Promise<unknown> {
    const end = performance.now() + 10_000;
    while (performance.now() < end) {
      const found = this.said.find((one) => name in one);
      if (found !== undefined) return found[name];
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`nothing of ${name}: ${JSON.stringify(this.said)}`);
  }
}

const order = (script: string, more: object = {}): object => ({
  start: { argv: ['/bin/sh', '-c', script], env: { GIVEN: 'value' }, cwd: '/tmp', token: TOKEN, origins: [], ...more },
});

const openStdio = async (path: string): Promise<{ socket: Socket; text: () => string }> => {
  const socket = await connect(path);
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  socket.write(`${JSON.stringify({ stdio: TOKEN })}\n`);
  return { socket, text: () => text };
};

const until = async (what: () => boolean): Promise<boolean> => {
  const end = performance.now() + 10_000;
  while (!what() && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
  return what();
};

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

t.test('as a process: standard streams, environment, descriptors, stderr, exit status; and it ends with its cell', async (t) => {
  const { path, host } = await start(t);
  const cell = new Cell(await untilListening(path));
  cell.say(
    order(
      'for f in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$f ] || echo open $f; done; env | sort | tr "\\n" " "; echo done; echo err >&2; read line; echo "got $line"; exit 3',
    ),
  );
  const { socket, text } = await openStdio(path);
  t.type(await cell.hear('started'), 'number');
  t.ok(await until(() => text().includes('done')), text());
  t.match(text(), /GIVEN=value.*HOME=\/tmp.*LANG=C.UTF-8.*PATH=\/usr\/local\/bin:\/usr\/bin:\/bin.*TMPDIR=\/tmp/, 'UPSTREAM-2');
  t.notMatch(text(), /SECRET_OF_HOST|LISTEN_/, 'UPSTREAM-1 nothing of the host');
  t.notMatch(text(), 'open', 'nor a descriptor of it');
  socket.write('hello\n');
  t.ok(await until(() => text().includes('got hello')));
  t.same(await cell.hear('exited'), { code: 3, signal: null });
  t.equal(await cell.hear('stderr').then(() => cell.said.some(({ stderr }) => stderr === 'err\n')), true);
  const exited = once(host, 'exit');
  cell.control.end();
  t.same(await exited, [0, null], 'one use');
});

t.test('UPSTREAM-4 what a program forked dies with the cell, whatever it does about signals', async (t) => {
  const path = await serve(t);
  const cell = new Cell(await connect(path));
  cell.say(order('trap "" TERM HUP INT; sh -c "trap \\"\\" TERM HUP; sleep 300" & echo $! $$; cat >/dev/null; sleep 300'));
  const { text } = await openStdio(path);
  await until(() => text().includes('\n'));
  const pids = text().trim().split(' ').map(Number);
  t.ok(pids.length === 2 && pids.every(isAlive), 'negative control');
  cell.control.destroy();
  t.ok(await until(() => !pids.some(isAlive)));
});

t.test('strangers: a wrong token, an order that is none, a second cell, a line without end', async (t) => {
  const path = await serve(t);
  const cell = new Cell(await connect(path));
  cell.say(order('cat', { origins: ['https://a.example:443'] }));
  const wrong = await connect(path);
  const over = closed(wrong);
  wrong.resume();
  wrong.write(`${JSON.stringify({ stdio: 'x'.repeat(32) })}\n`);
  await over;
  const second = await connect(path);
  second.resume();
  second.write(`${JSON.stringify(order('id'))}\n`);
  await closed(second);
  const long = await connect(path);
  long.resume();
  long.write('x'.repeat(300_000));
  await closed(long);
  const net = await connect(path);
  net.resume();
  net.write(`${JSON.stringify({ net: TOKEN, id: 99 })}\n`);
  await closed(net);
  const { socket, text } = await openStdio(path);
  await cell.hear('started');
  socket.write('still here\n');
  t.ok(await until(() => text() === 'still here\n'), 'the cell is served all the same');
  cell.control.destroy();

  for (const bad of [
    {},
    { start: {} },
    order('x', { argv: ['relative'] }),
    order('x', { token: 'short' }),
    order('x', { env: { A: 1 } }),
    order('x', { origins: ['1', '2', '3', '4', '5', '6', '7', '8', '9'] }),
  ]) {
    const other = new Cell(await connect(await serve(t)));
    other.say(bad);
    t.match(await other.hear('failed'), 'not understood', JSON.stringify(bad).slice(0, 60));
  }
  const none = await serve(t);
  const missing = new Cell(await connect(none));
  missing.say({ start: { argv: ['/nonexistent'], env: {}, token: TOKEN } });
  await openStdio(none);
  t.match(await missing.hear('failed'), 'cannot be started');
});

t.test('the host depends on nothing', async (t) => {
  const folder = join(import.meta.dirname, '../../src');
  const imports = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/from '([^'.][^']*)'/g)].map(([, name]) => name),
  );
  t.same(
    imports.filter((name) => name?.startsWith('node:') !== true),
    [],
  );
});
