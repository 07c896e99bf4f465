import t from 'tap';
import { LIMITS, type AirlockError } from '@airlock/protocol';
import { always, connectSocket, type Connection } from '../src/index.js';
import { rawPeer, rejection, request, serve, testTable, until, type Gate, type State } from './harness.js';

t.test('a call has its result, of a handler that answers now and of one that answers later', async (t) => {
  const { path } = await serve(t);
  const client = await connectSocket(path);
  t.same(await client.call('echo', { a: [1, 'é', null] }), { a: [1, 'é', null] });
  t.same(await client.call('later', { b: 2 }), { b: 2 });
  t.same(await client.call('nothing', {}), {});
  client.close();
});

t.test('WIRE-12: answers may come in another order, each with its id', async (t) => {
  const gate: Gate = { waiting: [] };
  const { path } = await serve(t, { table: testTable(gate) });
  const client = await connectSocket(path);
  const order: number[] = [];
  const calls = [0, 1, 2].map((index) => client.call('hold', { index }).then((result) => (order.push(index), result)));
  await until(() => gate.waiting.length === 3);
  for (const index of [2, 0, 1]) gate.waiting[index]?.();
  t.same(await Promise.all(calls), [{ index: 0 }, { index: 1 }, { index: 2 }]);
  t.same(order, [2, 0, 1]);
  client.close();
});

t.test('WIRE-14: state first, then parameters, then the handler', async (t) => {
  const { path } = await serve(t);
  const client = await connectSocket(path);
  await rejection(t, client.call('secret', {}), 'NOT_AUTHENTICATED');
  const invalid = await rejection(t, client.call('greet', {}), 'PARAMS_INVALID');
  t.equal(invalid.data.field, 'params.name');
  t.same(await client.call('greet', { name: 'x' }), { hello: 'x' });
  t.same(await client.call('secret', { name: 'x' }), { ok: true });
  client.close();
});

t.test('WIRE-14: an unknown method lists those there are; inherited names are unknown', async (t) => {
  const { path } = await serve(t);
  const client = await connectSocket(path);
  for (const method of ['nope', 'constructor', 'toString', '__proto__', '']) {
    const unknown = await rejection(t, client.call(method, {}), 'METHOD_UNKNOWN');
    t.match(unknown.data.expected, /echo, later, hold/);
  }
  client.close();
});

t.test('IPC-9, ERR-1: what a handler throws stays here', async (t) => {
  const { path, internalErrors } = await serve(t);
  const client = await connectSocket(path);
  for (const method of ['boom', 'reject', 'cycle']) {
    const internal = await rejection(t, client.call(method, {}), 'INTERNAL');
    t.notMatch(JSON.stringify([internal.message, internal.data]), /hunter2|circular/);
  }
  t.equal(internalErrors.length, 3);
  t.same(await client.call('echo', {}), {}, 'the connection goes on');
  client.close();
});

t.test('the server calls and notifies the client as well', async (t) => {
  const opened: Connection<State>[] = [];
  const { path } = await serve(t, { onOpen: (connection) => void opened.push(connection) });
  const told: unknown[] = [];
  const client = await connectSocket(path, {
    table: { double: { params: always, permitted: always, handle: ({ n }: { n: number }) => ({ n: n * 2 }) } },
    notifications: { 'lease.ended': { params: always, handle: (params) => void told.push(params) } },
  });
  await until(() => opened.length === 1);
  t.same(await opened[0]?.call('double', { n: 21 }), { n: 42 });
  opened[0]?.notify('lease.ended', { lease: 'a' });
  t.same(await client.call('echo', { after: true }), { after: true });
  t.same(told, [{ lease: 'a' }]);
  client.close();
});

t.test('WIRE-15: an answer above the limit becomes FRAME_TOO_LARGE, a large one below arrives', async (t) => {
  const { path } = await serve(t);
  const client = await connectSocket(path);
  const large = (await client.call('large', { bytes: LIMITS.maxFrameOutBytes - 100 })) as { text: string };
  t.equal(large.text.length, LIMITS.maxFrameOutBytes - 100);
  await rejection(t, client.call('large', { bytes: LIMITS.maxFrameOutBytes }), 'FRAME_TOO_LARGE');
  await rejection(t, client.call('echo', { text: 'x'.repeat(LIMITS.maxFrameInBytes) }), 'FRAME_TOO_LARGE');
  t.same(await client.call('echo', {}), {});
  client.close();
});

t.test('WIRE-17: requests above the number in flight are refused, per connection and per socket', async (t) => {
  const gate: Gate = { waiting: [] };
  const { path } = await serve(t, { table: testTable(gate), limits: { maxInFlightPerConnection: 2, maxInFlightPerSocket: 3 } });
  const [first, second] = [await connectSocket(path), await connectSocket(path)];
  const held = [first.call('hold', {}), first.call('hold', {})];
  await until(() => gate.waiting.length === 2);
  const refused = await rejection(t, first.call('echo', {}), 'RATE_LIMITED');
  t.equal(refused.data.retryAfterMs, LIMITS.inFlightRetryMs);
  held.push(second.call('hold', {}));
  await until(() => gate.waiting.length === 3);
  await rejection(t, second.call('echo', {}), 'RATE_LIMITED');
  for (const release of gate.waiting) release();
  await Promise.all(held);
  t.same(await second.call('echo', {}), {}, 'the places are free again');
  first.close();
  second.close();
});

t.test('pending calls end with the connection, later ones are refused at once', async (t) => {
  const { path, server } = await serve(t);
  const client = await connectSocket(path);
  const pending = client.call('hold', {});
  await until(() => [...server.connections][0]?.inFlight === 1);
  await server.close();
  await rejection(t, pending, 'UNAVAILABLE');
  await rejection(t, client.call('echo', {}), 'UNAVAILABLE');
  t.equal(client.isOpen, false);
});

t.test('WIRE-21: a client that has sent its last byte still gets its answers', async (t) => {
  const gate: Gate = { waiting: [] };
  const { path, closeReasons } = await serve(t, { table: testTable(gate) });
  const peer = await rawPeer(t, path);
  peer.socket.end(request(1, 'hold', { a: 1 }));
  await until(() => gate.waiting.length === 1);
  gate.waiting[0]?.();
  t.same((await peer.nextLine()).result, { a: 1 });
  await peer.closed;
  await until(() => closeReasons.length === 1);
});

t.test('WIRE-16: an answer never asked for ends the connection, for both sides', async (t) => {
  const { path, protocolErrors } = await serve(t);
  const peer = await rawPeer(t, path);
  peer.socket.write('{"jsonrpc":"2.0","id":5,"result":{}}\n');
  t.equal((await peer.nextLine()).error?.data.code, 'FRAME_INVALID');
  await peer.closed;
  t.equal(protocolErrors.length, 1);
});

t.test('binary frames arrive in order with JSON, and only where they are spoken', async (t) => {
  const seen: string[] = [];
  const { path } = await serve(t, {
    limits: { maxBinaryBytes: 100 },
    onBinary: (type, payload, connection) => {
      seen.push(`${type} ${payload.toString('hex')}`);
      connection.notify('seen', {});
      connection.sendBinary(2, payload);
    },
  });
  const back: string[] = [];
  const events: string[] = [];
  const client = await connectSocket(path, {
    limits: { maxBinaryBytes: 100 },
    notifications: { seen: { params: always, handle: () => void events.push('json') } },
    onBinary: (type, payload) => void (events.push('binary'), back.push(`${type} ${payload.toString('hex')}`)),
  });
  client.sendBinary(1, Buffer.from('deadbeef', 'hex'));
  t.same(await client.call('echo', { a: 1 }), { a: 1 });
  t.same([seen, back, events], [['1 deadbeef'], ['2 deadbeef'], ['json', 'binary']]);
  client.close();
});

t.test('a receiver of binary frames that throws ends one connection, not the process', async (t) => {
  const { path, internalErrors } = await serve(t, {
    limits: { maxBinaryBytes: 100 },
    onBinary: () => {
      throw new Error('hunter2');
    },
  });
  const reasons: AirlockError[] = [];
  const client = await connectSocket(path, {
    limits: { maxBinaryBytes: 100 },
    onClose: (_connection, reason) => void reasons.push(reason),
  });
  client.sendBinary(1, Buffer.alloc(1));
  await until(() => reasons.length === 1);
  t.equal(reasons[0]?.code, 'INTERNAL');
  t.equal(internalErrors.length, 1);
});
