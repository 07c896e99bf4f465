import t from 'tap';
import { LIMITS, type AirlockError } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import { connectSocket } from '../src/index.js';
import { rawPeer, rejection, request, serve, testTable, until, type Gate } from './harness.js';

t.test('WIRE-18: half a frame ends the connection in time, however slowly it grows', async (t) => {
  const timers = new ManualTimers();
  const { path, server, protocolErrors } = await serve(t, { timers });
  const peer = await rawPeer(t, path);
  const connectionCount = (): number => server.connections.size;
  let sent = 0;
  for (const byte of '{"jsonrpc":') {
    peer.socket.write(byte);
    sent += 1;
    await until(() => peer.socket.bytesWritten === sent && timers.armed > 0);
    await new Promise((resolve) => setImmediate(resolve));
    timers.advance(LIMITS.halfFrameTimeoutMs / 20);
  }
  t.equal(connectionCount(), 1, 'half the time has passed');
  timers.advance(LIMITS.halfFrameTimeoutMs / 2);
  t.equal((await peer.nextLine()).error?.data.found, 'half a frame');
  await peer.closed;
  t.equal(protocolErrors.length, 1);
  // No timer is left behind: neither idle, nor half a frame, nor the grace of a closed socket.
  await until(() => timers.armed === 0);
});

t.test('WIRE-18: a frame that ends in time resets the clock of the next', async (t) => {
  const timers = new ManualTimers();
  const { path, protocolErrors } = await serve(t, { timers });
  const peer = await rawPeer(t, path);
  for (let round = 0; round < 5; round += 1) {
    // Each write ends one frame and begins the next, so half a frame is always held.
    peer.socket.write(`${round === 0 ? '' : '"2.0","id":1,"method":"echo"}\n'}{"jsonrpc":`);
    if (round > 0) t.same((await peer.nextLine()).result, {});
    else await until(() => timers.armed === 2);
    timers.advance(LIMITS.halfFrameTimeoutMs - 1);
  }
  t.same(protocolErrors, []);
});

t.test('WIRE-18: a silent connection is closed, one with a request in flight is not', async (t) => {
  const timers = new ManualTimers();
  const gate: Gate = { waiting: [] };
  const { path, server, protocolErrors } = await serve(t, { timers, table: testTable(gate) });
  const [silent, busy] = [await rawPeer(t, path), await rawPeer(t, path)];
  busy.socket.write(request(1, 'hold'));
  await until(() => gate.waiting.length === 1 && server.connections.size === 2);
  timers.advance(LIMITS.idleTimeoutMs);
  t.equal((await silent.nextLine()).error?.data.code, 'UNAVAILABLE');
  await silent.closed;
  t.equal(server.connections.size, 1);
  gate.waiting[0]?.();
  t.same((await busy.nextLine()).result, {});
  t.same(protocolErrors, [], 'silence is no offence');
});

t.test('WIRE-17: a connection above the cap is told so and closed; the others go on', async (t) => {
  const { path, server } = await serve(t, { limits: { maxConnections: 2 } });
  const first = await connectSocket(path);
  const second = await connectSocket(path);
  await until(() => server.connections.size === 2);
  const reasons: AirlockError[] = [];
  await connectSocket(path, { onClose: (_connection, reason) => void reasons.push(reason) });
  await until(() => reasons.length === 1);
  t.equal(reasons[0]?.code, 'UNAVAILABLE');
  t.match(reasons[0]?.message, /2 connections/);
  t.same(await first.call('echo', {}), {});
  second.close();
  await until(() => server.connections.size === 1);
  const fourth = await connectSocket(path);
  t.same(await fourth.call('echo', {}), {}, 'a place is free again');
  fourth.close();
  first.close();
});

t.test('WIRE-19: a client that does not read is not read from, and cut off when too much waits', async (t) => {
  const limits = { unsentPauseBytes: 100_000, maxUnsentBytes: 3_000_000 };
  const { path, closeReasons, protocolErrors } = await serve(t, { limits });
  const peer = await rawPeer(t, path);
  const other = await connectSocket(path);
  peer.socket.pause();
  peer.socket.write(Array.from({ length: 8 }, (_, id) => request(id, 'large', { bytes: 1_000_000 })).join(''));
  await until(() => closeReasons.length === 1);
  t.match(closeReasons[0]?.message, /does not read/);
  t.equal(protocolErrors.length, 1);
  t.same(await other.call('echo', {}), {}, 'nobody else notices');
  other.close();
});

t.test('WIRE-19: a client that reads late gets everything', async (t) => {
  const { path } = await serve(t, { limits: { unsentPauseBytes: 1000, maxUnsentBytes: 16_000_000 } });
  const peer = await rawPeer(t, path);
  peer.socket.pause();
  for (let id = 0; id < 20; id += 1) peer.socket.write(request(id, 'large', { bytes: 100_000 }));
  await new Promise((resolve) => setImmediate(resolve));
  peer.socket.resume();
  for (let id = 0; id < 20; id += 1) t.equal((await peer.nextLine()).id, id);
});

t.test('WIRE-22: half frames of many connections are bounded together; small and whole frames go on', async (t) => {
  const limits = { maxHeldBytesPerSocket: 300_000, freeHeldBytes: 4096 };
  const { path, server, protocolErrors } = await serve(t, { limits });
  const honest = await connectSocket(path);
  const peers = await Promise.all(Array.from({ length: 5 }, () => rawPeer(t, path)));
  await until(() => server.connections.size === 6);
  for (const peer of peers) peer.socket.write(`"${'x'.repeat(90_000)}`);
  const [refused] = await Promise.race(peers.map(async (peer) => [await peer.nextLine()]));
  t.equal(refused?.error?.data.code, 'RATE_LIMITED');
  await until(() => server.connections.size < 6);
  t.ok(server.connections.size >= 3, 'those within the budget stay');
  t.equal(protocolErrors.length, 6 - server.connections.size, 'each told once, for the record');
  t.same(await honest.call('echo', { text: 'x'.repeat(1000) }), { text: 'x'.repeat(1000) });
  for (const peer of peers) peer.socket.destroy();
  await until(() => server.connections.size === 1);
  const large = { text: 'x'.repeat(250_000) };
  t.same(await honest.call('echo', large), large, 'negative control: what ended is given back');
  honest.close();
});

t.test('WIRE-22: so are answers that nobody reads', async (t) => {
  const limits = { maxHeldBytesPerSocket: 2_000_000, freeHeldBytes: 4096 };
  const { path, closeReasons } = await serve(t, { limits });
  const honest = await connectSocket(path);
  const peers = await Promise.all(Array.from({ length: 4 }, () => rawPeer(t, path)));
  for (const peer of peers) {
    peer.socket.pause();
    peer.socket.write(request(1, 'large', { bytes: 1_500_000 }));
  }
  await until(() => closeReasons.length > 0);
  t.match(closeReasons[0]?.message, /does not read/);
  t.same(await honest.call('echo', {}), {});
  honest.close();
});

t.test('a call that is not answered in time is UNAVAILABLE, its late answer is dropped', async (t) => {
  const gate: Gate = { waiting: [] };
  const { path } = await serve(t, { table: testTable(gate) });
  const timers = new ManualTimers();
  const client = await connectSocket(path, { timers });
  const slow = client.call('hold', {}, { timeoutMs: 2000 });
  const quick = client.call('hold', {}, { timeoutMs: 500 });
  const quickEnd = rejection(t, quick, 'UNAVAILABLE');
  await until(() => gate.waiting.length === 2);
  timers.advance(500);
  await quickEnd;
  gate.waiting[1]?.();
  t.same(await client.call('echo', {}), {}, 'the late answer disturbs nothing');
  gate.waiting[0]?.();
  t.same(await slow, {}, 'the other call was not touched');
  client.close();
  await until(() => timers.armed === 0);
});
