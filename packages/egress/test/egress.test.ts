/** The client against servers on this machine: what it sends, what it hands out, what it follows. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import t from 'tap';
import { openEgress } from '../src/index.js';
import { open, refusal, serve } from './server.js';

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
};

t.test('asks a sealed literal and hands out status, headers and body', async (t) => {
  const origin = await serve(t, (request, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.statusCode = 418;
    response.end(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''} ${String(request.headers['x-a'])}`);
  });
  const egress = open(t, { origins: [origin] });
  const answer = await egress.request({ method: 'GET', url: '/a?b=c#d', headers: { 'X-A': 'y' } });
  t.equal(answer.body.toString(), `GET /a?b=c 127.0.0.1:${origin.port} y`);
  t.match(answer, { status: 418, url: `http://127.0.0.1:${origin.port}/a?b=c`, headers: { 'set-cookie': 'a=1' } });
});

t.test('every coding it asks for is undone; HEAD and 304 have no body', async (t) => {
  const text = JSON.stringify({ a: 'ü'.repeat(1000) });
  const codings = { gzip: gzipSync(text), br: brotliCompressSync(text), deflate: deflateSync(text), identity: Buffer.from(text) };
  const origin = await serve(t, ({ url, headers }, response) => {
    if (url === '/304') return void response.writeHead(304, { 'content-encoding': 'gzip' }).end();
    const coding = (url ?? '').slice(1);
    const body = coding === 'raw' ? deflateRawSync(text) : codings[coding as keyof typeof codings];
    response.writeHead(200, { 'content-encoding': coding === 'raw' ? 'deflate' : coding, 'x-asked': headers['accept-encoding'] });
    response.end(body);
  });
  const egress = open(t, { origins: [origin] });
  for (const coding of ['gzip', 'br', 'deflate', 'raw', 'identity']) {
    const { body, headers } = await egress.request({ method: 'GET', url: `/${coding}` });
    t.equal(body.toString(), text, coding);
    t.equal(headers['x-asked'], 'gzip, deflate, br');
  }
  t.equal((await egress.request({ method: 'HEAD', url: '/gzip' })).body.length, 0);
  t.match(await egress.request({ method: 'GET', url: '/304' }), { status: 304, body: { length: 0 } });
});

t.test('EGRESS-9: redirects keep the method as RFC 9110 says, and end at the limit', async (t) => {
  const origin = await serve(t, (request, response) => {
    const [, status = '', left = ''] = (request.url ?? '').split('/');
    if (left === '' || left === '0') return void textOf(request).then((text) => response.end(`${request.method ?? ''} ${text}`));
    response.writeHead(Number(status), { location: `../${status}/${Number(left) - 1}` }).end();
  });
  const egress = open(t, { origins: [origin] });
  const ask = async (method: 'POST' | 'PROPFIND' | 'REPORT', status: number): Promise<string> =>
    (await egress.request({ method, url: `/${status}/2`, body: 'words' })).body.toString();
  for (const status of [301, 302, 303]) t.equal(await ask('POST', status), 'GET ', String(status));
  for (const status of [307, 308]) t.equal(await ask('POST', status), 'POST words', String(status));
  for (const method of ['PROPFIND', 'REPORT'] as const) t.equal(await ask(method, 301), `${method} words`);
  t.match(await egress.request({ method: 'GET', url: '/302/5' }), { status: 200, url: /\/302\/0$/ });
  t.match(await refusal(egress.request({ method: 'GET', url: '/302/6' })), { found: 'too_many_redirects' });
  t.match(await egress.request({ method: 'GET', url: '/300/1' }), { status: 300 }, 'every other status is an answer');
});

t.test('EGRESS-12: headers that frame or route a message are refused, and so is a line break', async (t) => {
  let requests = 0;
  const origin = await serve(t, (_, response) => {
    requests += 1;
    response.end();
  });
  const egress = open(t, { origins: [origin] });
  const wrong = [
    'host',
    'Content-Length',
    'transfer-encoding',
    'connection',
    'upgrade',
    'te',
    'expect',
    'accept-encoding',
    'a b',
    'a:b',
    '',
  ];
  for (const name of wrong)
    t.match(
      await refusal(egress.request({ method: 'GET', url: '/', headers: { [name]: '1' } })),
      { code: 'PARAMS_INVALID' },
      name,
    );
  for (const value of ['a\r\nb: c', 'a\nb', 'a\0b', '\u{1f4a3}'])
    t.match(await refusal(egress.request({ method: 'GET', url: '/', headers: { a: value } })), { code: 'PARAMS_INVALID' });
  t.match(await refusal(egress.request({ method: 'GET', url: '/', headers: { a: '1', A: '2' } })), { code: 'PARAMS_INVALID' });
  t.equal(requests, 0);
});

t.test('EGRESS-13: a credential is not sent in the clear to the open network', async (t) => {
  const origins = [{ scheme: 'http', host: 'api.example.test', port: 80 }];
  let lookups = 0;
  const resolve = async (): Promise<never> => {
    lookups += 1;
    throw new Error('nobody');
  };
  const egress = open(t, { origins, resolve });
  for (const more of [{ headers: { authorization: 'x' } }, { headers: { Cookie: 'x' } }, { secret: true }])
    t.match(await refusal(egress.request({ method: 'GET', url: '/', ...more })), {
      code: 'UPSTREAM_REFUSED',
      found: 'cleartext',
    });
  t.equal(lookups, 0);
  t.match(
    await refusal(egress.request({ method: 'GET', url: '/' })),
    { code: 'UNAVAILABLE', found: 'no_network' },
    'negative control',
  );
});

t.test('EGRESS-14: nothing a server sent stands in an error', async (t) => {
  const origin = await serve(t, (_, response) => {
    response
      .writeHead(302, { location: 'http://words-of-the-server.example/', 'x-a': 'words-of-the-server' })
      .end('words-of-the-server');
  });
  const egress = open(t, { origins: [origin] });
  t.notMatch(JSON.stringify(await refusal(egress.request({ method: 'GET', url: '/' }))), /words-of/);
});

t.test('what follows a body that was too short for its length is no answer to the next request', async (t) => {
  const { createServer } = await import('node:net');
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const egress = open(t, { origins: [{ scheme: 'http', host: '127.0.0.1', port }] });
  for (let count = 0; count < 3; count += 1) t.equal((await egress.request({ method: 'GET', url: '/' })).body.toString(), 'good');
  t.equal(connections, 3, 'the connection was given up each time');
  await egress.close();
});

t.test('the caller ends a request, and a closed client asks no more', async (t) => {
  const origin = await serve(t, (request) => request.resume());
  const egress = open(t, { origins: [origin] });
  const controller = new AbortController();
  const pending = refusal(egress.request({ method: 'GET', url: '/', signal: controller.signal }));
  setImmediate(() => controller.abort());
  t.match(await pending, { code: 'UPSTREAM_TIMEOUT' });
  const cut = refusal(egress.request({ method: 'GET', url: '/' }));
  setImmediate(() => void egress.close());
  t.match(await cut, { code: 'UNAVAILABLE' });
  t.match(await refusal(egress.request({ method: 'GET', url: '/' })), { code: 'UNAVAILABLE' });
});

t.test('a connection serves the next request, and one the server closed is replaced', async (t) => {
  const ports = new Set<number | undefined>();
  const origin = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
    if (request.url === '/last') setImmediate(() => request.socket.destroy());
  });
  const egress = open(t, { origins: [origin] });
  for (const url of ['/a', '/b', '/last']) await egress.request({ method: 'GET', url });
  t.equal(ports.size, 1);
  t.equal((await egress.request({ method: 'GET', url: '/d' })).status, 200);
  t.equal(ports.size, 2);
});

t.test('no proxy of the environment is used', async (t) => {
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
  const proxy = await serve(t, (_, response) => response.end('proxy'));
  const origin = await serve(t, (_, response) => response.end('direct'));
  for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`;
  t.teardown(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  });
  t.equal((await open(t, { origins: [origin] }).request({ method: 'GET', url: '/' })).body.toString(), 'direct');
});

t.test('origins that are no HTTP servers are refused; nothing listening is no network', async (t) => {
  for (const origins of [
    [],
    [{ scheme: 'imaps', host: 'a', port: 1 }],
    [{ scheme: 'http', host: 'a', port: 1, tlsPin: 'ab'.repeat(32) }],
  ])
    t.throws(() => openEgress({ origins }), { code: 'CONFIG_INVALID' });
  const origin = await serve(t, (_, response) => response.end());
  const probe = connect(origin.port, '127.0.0.1');
  await new Promise((resolve) => probe.once('connect', resolve));
  probe.destroy();
  const egress = open(t, { origins: [{ ...origin, port: 1 }] });
  t.match(await refusal(egress.request({ method: 'GET', url: '/' })), { code: 'UNAVAILABLE', found: 'no_network' });
});
