import { mkdtempSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectError, connectSocket, groupName } from '../src/index.js';
import { rejection } from './harness.js';

t.test('no socket: UNAVAILABLE with a hint', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-client-')), 'none.sock');
  const error = await rejection(t, connectSocket(path), 'UNAVAILABLE');
  t.match(error.message, 'does not exist');
  t.match(error.data.hint, 'AIRLOCK_SOCKET');
  t.equal(error.exitCode, 5);
});

t.test('nobody listens: UNAVAILABLE', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-client-'));
  const stale = join(directory, 'stale.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(directory, 'live.sock'), resolve));
  renameSync(join(directory, 'live.sock'), stale);
  await new Promise((resolve) => server.close(resolve));
  const error = await rejection(t, connectSocket(stale), 'UNAVAILABLE');
  t.match(error.message, 'ECONNREFUSED');
});

t.test('no permission: the hint names the group of the socket and the remedy', async (t) => {
  const error = connectError('/etc/shadow', 'EACCES');
  t.equal(error.code, 'UNAVAILABLE');
  t.match(error.message, 'the group shadow');
  t.match(error.data.hint, /sudo usermod -aG shadow \S+, then log in anew/);
  t.match(connectError('/nonexistent/x', 'EACCES').data.hint, /usermod -aG GROUP/);
});

t.test('a group without a name is its number', async (t) => {
  t.equal(groupName(0), 'root');
  t.equal(groupName(4_000_000), '4000000');
  t.equal(groupName(0, '/nonexistent'), '0');
});
