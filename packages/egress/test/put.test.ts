/** EGRESS-15: a PUT leaves once, and whoever cannot know what came of it says so. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t, { type Test } from 'tap';
import { open, refusal, serve } from './server.js';

/** Takes connections and does with each request what the test says. */
const raw = async (t: Test, answer: (socket: Socket, request: string) => void) => {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      requests.push(bytes.toString());
      answer(socket, bytes.toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const origin = { scheme: 'http', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  return { origin, requests };
};

const PUT = { method: 'PUT', url: '/a', body: 'words', headers: { 'if-none-match': '*' } } as const;

t.test('EGRESS-15 an answer is an answer, and the request is sent as it was asked', async (t) => {
  const origin = await serve(t, (request, response) => {
    response.statusCode = request.headers['if-none-match'] === '*' ? 201 : 400;
    request.resume().on('end', () => response.end());
  });
  const egress = open(t, { origins: [origin] });
  t.match(await egress.request(PUT), { status: 201 });
});

t.test('EGRESS-15 a connection that breaks after the request left: unknown, and it is not sent again', async (t) => {
  const { origin, requests } = await raw(t, (socket) => socket.destroy());
  const egress = open(t, { origins: [origin] });
  t.match(await refusal(egress.request(PUT)), { code: 'OUTCOME_UNKNOWN', retry: 'never' });
  t.equal(requests.length, 1);
});

t.test('EGRESS-15 silence, a broken answer, and one that never ends: unknown', async (t) => {
  const answers: readonly ((socket: Socket) => void)[] = [
    () => undefined,
    (socket) => socket.end('SMTP/1.0 201 Created\r\n\r\n'),
    (socket) => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nabc'),
    (socket) => socket.write(`HTTP/1.1 201 Created\r\nx: ${'y'.repeat(100_000)}`),
  ];
  for (const [index, answer] of answers.entries()) {
    const { origin, requests } = await raw(t, answer);
    const egress = open(t, { origins: [origin], limits: { idleTimeoutMs: 200 } });
    t.match(await refusal(egress.request(PUT)), { code: 'OUTCOME_UNKNOWN' }, String(index));
    t.equal(requests.length, 1);
  }
});

t.test(
  'EGRESS-15 a waiting connection is not used; a GET over one that went stale is asked again (negative control)',
  async (t) => {
    let isStale = false;
    const { origin, requests } = await raw(t, (socket) => {
      if (isStale) {
        isStale = false;
        return void socket.destroy();
      }
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const egress = open(t, { origins: [origin] });
    await egress.request({ method: 'GET', url: '/' });
    isStale = true;
    t.match(await egress.request({ method: 'GET', url: '/' }), { status: 200 });
    t.equal(requests.length, 3, 'the GET was sent twice');
    isStale = true;
    t.match(await refusal(egress.request(PUT)), { code: 'OUTCOME_UNKNOWN' });
    t.equal(requests.length, 4, 'the PUT was not');
  },
);

t.test('EGRESS-15 no redirect is followed, within the sealed origin or out of it', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    let asked = 0;
    const origin = await serve(t, (_request, response) => {
      asked += 1;
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    const egress = open(t, { origins: [origin] });
    t.match(await refusal(egress.request(PUT)), { code: 'UPSTREAM_REFUSED', found: 'redirect_refused' }, String(status));
    t.equal(asked, 1);
  }
});

t.test('EGRESS-15 where nothing left, nothing is unknown', async (t) => {
  const egress = open(t, { origins: [{ scheme: 'http', host: '127.0.0.1', port: 1 }] });
  t.match(await refusal(egress.request(PUT)), { code: 'UNAVAILABLE' });
  const { origin, requests } = await raw(t, (socket) => socket.destroy());
  const reached = open(t, { origins: [origin] });
  const signal = AbortSignal.abort();
  t.match(await refusal(reached.request({ ...PUT, signal })), { code: 'UPSTREAM_TIMEOUT' });
  t.equal(requests.length, 0);
});
