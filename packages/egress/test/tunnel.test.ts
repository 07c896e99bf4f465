/** EGRESS-16: a tunnel leads to a sealed origin through the same guard; and a body that is taken as it comes. */
import { once } from 'node:events';
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { open, refusal, serve } from './server.js';

const signal = new AbortController().signal;

t.test('EGRESS-16: a sealed literal is connected to, nothing else', async (t) => {
  const origin = await serve(t, (_, response) => response.end('hello'));
  const egress = open(t, {
    origins: [origin, { scheme: 'https', host: 'api.example.org', port: 443 }],
    resolve: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]),
  });
  const socket = await egress.tunnel(origin, { signal, secret: true });
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  await once(socket, 'close');
  t.match(text, /^HTTP\/1.1 200[^]*hello/);
  t.match(await refusal(egress.tunnel({ ...origin, port: origin.port + 1 }, { signal, secret: false })), {
    code: 'PARAMS_INVALID',
  });
  t.match(await refusal(egress.tunnel({ scheme: 'https', host: 'api.example.org', port: 443 }, { signal, secret: false })), {
    ...{ code: 'UPSTREAM_REFUSED', found: 'address_refused' },
  });
});

t.test('EGRESS-16, EGRESS-13: no http origin of the open network where a credential may be sent', async (t) => {
  const origin = { scheme: 'http', host: 'api.example.org', port: 80 };
  const egress = open(t, { origins: [origin], resolve: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]) });
  t.match(await refusal(egress.tunnel(origin, { signal, secret: true })), { code: 'UPSTREAM_REFUSED', found: 'cleartext' });
  t.match(
    await refusal(egress.tunnel(origin, { signal, secret: false })),
    { found: 'address_refused' },
    'negative control: the next check',
  );
  await egress.close();
  t.match(await refusal(egress.tunnel(origin, { signal, secret: false })), { code: 'UNAVAILABLE' });
});

t.test('a body piece by piece, bounded all the same', async (t) => {
  const origin = await serve(t, ({ url }, response) => {
    if (url === '/moved') return void response.writeHead(307, { location: '/' }).end('not handed out');
    response.writeHead(200, { 'x-a': 'b' });
    response.write('one');
    setImmediate(() => response.end('two'.repeat(url === '/much' ? 100_000 : 1)));
  });
  const egress = open(t, { origins: [origin], limits: { maxBodyBytes: 1000 } });
  const taken: string[] = [];
  const receive = ({
    status,
    headers,
  }: {
    status: number;
    headers: Readonly<Record<string, string>>;
  }): ((piece: Buffer) => void) => {
    taken.push(`${status} ${headers['x-a'] ?? ''}`);
    return (piece) => void taken.push(piece.toString());
  };
  const { body } = await egress.request({ method: 'GET', url: '/moved', receive });
  t.equal(body.length, 0);
  t.same([taken[0], taken.slice(1).join('')], ['200 b', 'onetwo']);
  t.match(await refusal(egress.request({ method: 'GET', url: '/much', receive })), { found: 'body_too_large' });
  const refusing = (): never => {
    throw new AirlockError('UPSTREAM_REFUSED', 'enough', { found: 'enough' });
  };
  t.match(
    await refusal(egress.request({ method: 'GET', url: '/', receive: () => refusing })),
    { found: 'enough' },
    'what it throws ends the request',
  );
});
