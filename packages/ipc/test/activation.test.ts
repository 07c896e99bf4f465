import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import t from 'tap';
import { connectSocket, takeActivatedSockets } from '../src/index.js';

const env = (fds?: string, names?: string, pid?: string): NodeJS.ProcessEnv => ({
  ...(fds === undefined ? {} : { LISTEN_FDS: fds }),
  ...(names === undefined ? {} : { LISTEN_FDNAMES: names }),
  ...(pid === undefined ? {} : { LISTEN_PID: pid }),
});

t.test('IPC-1: descriptors by name, from 3 on', async (t) => {
  t.same(
    [...takeActivatedSockets(env('2', 'agent-mail:bridge', '77'), 77)],
    [
      ['agent-mail', 3],
      ['bridge', 4],
    ],
  );
  t.same([...takeActivatedSockets(env('1', 'bridge'), 77)], [['bridge', 3]], 'a launcher may leave the pid out');
  t.same([...takeActivatedSockets(env(), 77)], [], 'nobody passed any');
});

t.test('IPC-2: what does not add up is refused', async (t) => {
  t.throws(() => takeActivatedSockets(env('1', 'a', '78'), 77), /LISTEN_PID/);
  t.throws(() => takeActivatedSockets(env('1', 'a', '077'), 77), /LISTEN_PID/);
  t.throws(() => takeActivatedSockets(env('2', 'a:a'), 77), /two sockets/);
  t.throws(() => takeActivatedSockets(env('2', 'a'), 77), /LISTEN_FDNAMES/);
  t.throws(() => takeActivatedSockets(env('1', 'a:b'), 77), /LISTEN_FDNAMES/);
  t.throws(() => takeActivatedSockets(env('1'), 77), /no name/);
  t.throws(() => takeActivatedSockets(env('1', 'unknown'), 77), /no name/);
  for (const count of ['0', '-1', '1.0', '', 'x', '99999', ' 1'])
    t.throws(() => takeActivatedSockets(env(count, 'a'), 77), /LISTEN_FDS/, count);
});

t.test('IPC-3: the variables are gone, also after a refusal', async (t) => {
  for (const given of [env('1', 'a', '77'), env('1', 'a', '78')]) {
    try {
      takeActivatedSockets(given, 77);
    } catch {
      // Only what is left counts here.
    }
    t.same(given, {});
  }
});

t.test('a child serves on a socket it inherited', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-activation-')), 's');
  const listener = createServer();
  listener.listen(path);
  await once(listener, 'listening');
  const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
  const index = new URL('../src/index.js', import.meta.url).href;
  const source = `import { always, serveSocket, takeActivatedSockets } from '${index}';
    const fd = takeActivatedSockets(process.env).get('agent');
    await serveSocket({ fd, name: 'agent', open: () => null, table: { pid: { params: always, permitted: always, handle: () => process.pid } } });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit', fd],
    env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'agent' },
  });
  t.teardown(() => child.kill());
  if (child.stdout === null) throw new Error('no pipe');
  await once(child.stdout, 'data');
  // The parent lets go, so that only the child accepts; libuv would unlink the path it bound.
  renameSync(path, `${path}.kept`);
  listener.close();
  await once(listener, 'close');
  const connection = await connectSocket(`${path}.kept`);
  t.equal(await connection.call('pid', {}), child.pid);
  connection.close();
});
