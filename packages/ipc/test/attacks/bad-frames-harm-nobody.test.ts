import t from 'tap';
import { connectSocket } from '../../src/index.js';
import { BAD_FRAMES } from '../bad-frames.js';
import { rawPeer, request, serve, until } from '../harness.js';

t.test(
  'WIRE-9, WIRE-10, WIRE-11, WIRE-13: every bad frame: its code, the state of its connection, and the next call of another client',
  async (t) => {
    t.ok(BAD_FRAMES.length >= 60, `${BAD_FRAMES.length} bad frames`);
    const { path, server, protocolErrors } = await serve(t);
    const other = await connectSocket(path);
    for (const { name, bytes, code, goesOn } of BAD_FRAMES) {
      const peer = await rawPeer(t, path);
      const audited = protocolErrors.length;
      peer.socket.write(bytes);
      t.equal((await peer.nextLine()).error?.data.code, code, name);
      if (goesOn) {
        peer.socket.write(request('next', 'echo', { a: 1 }));
        t.same((await peer.nextLine()).result, { a: 1 }, `${name}: goes on`);
      } else {
        await peer.closed;
        t.equal(protocolErrors.length, audited + 1, `${name}: closed and told`);
      }
      t.same(await other.call('echo', { b: 2 }), { b: 2 }, `${name}: another client's next call`);
      peer.socket.destroy();
      await until(() => server.connections.size === 1);
    }
    other.close();
  },
);

t.test('WIRE-20: bad frames byte by byte between the bytes of another client', async (t) => {
  const { path } = await serve(t);
  const good = await rawPeer(t, path);
  const line = Buffer.from(request(1, 'echo', { text: 'abcdefghij' }));
  for (const { name, bytes } of BAD_FRAMES.filter((frame) => frame.bytes.length < 200)) {
    const bad = await rawPeer(t, path);
    for (let at = 0; at < Math.max(line.length, bytes.length); at += 1) {
      if (at < line.length) good.socket.write(line.subarray(at, at + 1));
      if (at < bytes.length && !bad.socket.destroyed) bad.socket.write(bytes.subarray(at, at + 1));
    }
    t.same((await good.nextLine()).result, { text: 'abcdefghij' }, name);
    bad.socket.destroy();
  }
});

t.test('20,000 mutated frames: no crash, nothing thrown inside, everybody else served', async (t) => {
  const { path, internalErrors } = await serve(t);
  const other = await connectSocket(path);
  let state = 4711;
  const random = (below: number): number => {
    // Numerical Recipes LCG: the same run every time.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const seeds = [
    ...BAD_FRAMES.map(({ bytes }) => bytes).filter((bytes) => bytes.length < 300),
    Buffer.from(request(7, 'later', { a: [1, 'x'] })),
  ];
  const mutated = (): Buffer => {
    const bytes = Buffer.from(seeds[random(seeds.length)] ?? Buffer.alloc(1));
    for (let edits = random(4); edits > 0; edits -= 1)
      bytes[random(bytes.length)] = random(6) === 0 ? random(256) : 0x20 + random(95);
    return bytes;
  };
  for (let round = 0; round < 400; round += 1) {
    const peer = await rawPeer(t, path);
    peer.socket.end(Buffer.concat(Array.from({ length: 50 }, mutated)));
    await peer.closed;
    if (round % 20 === 0) t.same(await other.call('echo', { round }), { round });
  }
  t.same(internalErrors, []);
  other.close();
});

t.test('negative control: the harness sees a server that answers wrongly', async (t) => {
  const { path } = await serve(t, { table: {} });
  const peer = await rawPeer(t, path);
  peer.socket.write(request(1, 'echo', { a: 1 }));
  t.notSame((await peer.nextLine()).result, { a: 1 });
});
