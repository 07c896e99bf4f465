// Attack: take the server of `airlock mcp --http` away from others by slowness, size or number. NET-6, NET-7, NET-11.
import { connect, type Socket } from 'node:net';
import { INITIALIZE, goodHeaders, openHouse, raw, type House } from '@airlock/mcp/test/network';
import t from 'tap';

const LIMITS = { headersMs: 300, requestMs: 600, keepAliveMs: 300, checkMs: 50, sessions: 10, connections: 40 };
let house: House;
t.before(async () => {
  house = await openHouse(t, { limits: LIMITS });
});

interface Ended {
  readonly text: string;
}

/** A connection that sends `first`, then a byte whenever `every` says so, until the server ends it. */
const drip = (port: number, first: string, byte: string): Promise<Ended> =>
  new Promise((resolve) => {
    let text = '';
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(first));
    const timer = setInterval(() => socket.write(byte), 40);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ text });
    });
  });

const isServed = async (): Promise<boolean> => {
  const { status } = await raw(house.port, { headers: goodHeaders(house.token), body: INITIALIZE });
  return status === 200;
};

t.test('slowloris: a header or a body that drips is cut off, silence too', async (t) => {
  const { port, token } = house;
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
  const withBody = `${head}Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 100000\r\n\r\n{`;
  const ended = await Promise.all([drip(port, head, 'x'), drip(port, withBody, ' '), drip(port, '', ''), drip(port, 'P', '')]);
  t.equal(ended.length, 4, 'each ended');
  t.notMatch(JSON.stringify(ended), /HTTP\/1\.1 200/);
  t.ok(await isServed(), 'others are served');
});

t.test('a huge header is 431, a huge body 413 by what it says and by what it is', async (t) => {
  const { port, token } = house;
  const big = await raw(port, { headers: { ...goodHeaders(token), 'x-big': 'x'.repeat(20_000) }, body: INITIALIZE });
  t.equal(big.status, 431);
  const declared = await drip(
    port,
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 99999999999\r\n\r\n`,
    'x',
  );
  t.match(declared.text, /^HTTP\/1\.1 413/);
  const chunked = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n${'x'.repeat(0x200000)}`;
  t.match((await drip(port, chunked, 'x')).text, /^HTTP\/1\.1 413/);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  t.equal((await raw(port, { headers: goodHeaders(token), body: deep })).status, 400);
  t.ok(await isServed(), 'negative control');
});

t.test('a body is not read before the token is seen', async (t) => {
  const text = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nContent-Length: 500000\r\n\r\n`;
  t.match((await drip(house.port, text, '')).text, /^HTTP\/1\.1 401/);
});

t.test('two lengths, or a length and chunks, are no request', async (t) => {
  const { port, token } = house;
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n`;
  for (const lengths of [
    'Content-Length: 4\r\nContent-Length: 5',
    'Content-Length: 4\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: xchunked',
  ]) {
    t.notMatch((await drip(port, `${head}${lengths}\r\n\r\n0\r\n\r\n`, '')).text, /^HTTP\/1\.1 2/, lengths);
  }
});

t.test(
  'NET-6: a thousand sessions: the newest are there, the oldest made room, memory holds no more than the limit',
  async (t) => {
    const { port, token } = house;
    const headers = goodHeaders(token);
    const ids: string[] = [];
    for (let n = 0; n < 1000; n += 1) {
      const { status, headers: got } = await raw(port, { headers, body: INITIALIZE });
      if (status === 200) ids.push(String(got['mcp-session-id']));
    }
    t.equal(ids.length, 1000);
    t.equal(new Set(ids).size, 1000, 'no id twice');
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
    const statusOf = async (id: string): Promise<number> =>
      (await raw(port, { headers: { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }, body: list }))
        .status;
    const statuses = await Promise.all(ids.slice(-20).map(statusOf));
    t.same(statuses.filter((status) => status === 200).length, LIMITS.sessions);
    t.equal(await statusOf(ids[0] ?? ''), 404);
  },
);

t.test('a session somebody uses is not the one that makes room', async (t) => {
  const { port, token } = house;
  const headers = goodHeaders(token);
  const begun = await raw(port, { headers, body: INITIALIZE });
  const id = String(begun.headers['mcp-session-id']);
  const inSession = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  const stream = connect(port, '127.0.0.1');
  const lines = Object.entries(inSession).map(([name, value]) => `${name}: ${value}`);
  stream.write(`GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join('\r\n')}\r\n\r\n`);
  await new Promise((resolve) => stream.once('data', resolve));
  for (let n = 0; n < 30; n += 1) await raw(port, { headers, body: INITIALIZE });
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
  t.equal((await raw(port, { headers: inSession, body: list })).status, 200);
  stream.destroy();
});

t.test('NET-11: more connections than allowed are dropped, and when they are gone others are served', async (t) => {
  const many = Array.from({ length: 80 }, () => drip(house.port, 'GET /mcp HTTP/1.1\r\n', ''));
  await Promise.all(many);
  t.ok(await isServed());
});
