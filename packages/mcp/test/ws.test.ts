/** WebSocket: the official client over it in both revisions, and what is refused before and after the handshake. */
import { GMAIL, NOTES } from '@airlock/client/test/fake-gateway';
import t from 'tap';
import WebSocket from 'ws';
import { INITIALIZE, REVISIONS, WsClientTransport, connectClient, openHouse, raw } from './network.js';

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

for (const revision of REVISIONS) {
  t.test(`${revision} over WebSocket: ask, wait, call; the change is told`, async (test) => {
    const { network, token } = await openHouse(test, { ws: 0, services: [GMAIL, NOTES] });
    const { client, tool, changes, changed } = await connectClient(
      test,
      new WsClientTransport(network.ws ?? '', token),
      revision,
    );
    test.equal(client.getNegotiatedProtocolVersion(), revision);
    const asked = await tool('airlock_request_access', ASK);
    const before = changes();
    test.match((await tool('airlock_wait', { request: asked.structured['request'] })).structured, { status: 'approved' });
    await changed(before);
    test.match((await tool('airlock_count_unread')).structured, { result: { unread: 3 } });
    const notes = await connectClient(test, new WsClientTransport(`${network.ws ?? ''}/notes`, token), revision);
    const names = (await notes.client.listTools()).tools.map(({ name }) => name);
    test.notOk(names.includes('airlock_list_emails'));
    test.ok(names.includes('airlock_notes_add_note'));
  });
}

interface Refused {
  readonly status: number;
  readonly text: string;
}

const refusedBy = (url: string, protocols: string[], headers: Record<string, string>): Promise<Refused> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { headers });
    socket.on('open', () => resolve({ status: 101, text: '' }));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_req, res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
    });
  });

t.test('the same door as HTTP: token, names, path, subprotocol, number', async (test) => {
  const { network, token } = await openHouse(test, { ws: 0, limits: { sockets: 1 } });
  const url = network.ws ?? '';
  const authorization = `Bearer ${token}`;
  test.equal((await refusedBy(url, ['mcp'], {})).status, 401, 'NET-1');
  test.equal((await refusedBy(url, ['mcp'], { authorization: `${authorization}x` })).status, 401);
  test.equal((await refusedBy(`${url}?access_token=${token}`, ['mcp'], {})).status, 401, 'NET-4: no token in a query');
  test.equal((await refusedBy(`${url}?token=${token}`, ['mcp'], { authorization })).status, 400);
  test.equal((await refusedBy(url, ['mcp'], { authorization, origin: 'https://example.com' })).status, 403, 'NET-3');
  test.equal((await refusedBy(url, ['mcp'], { authorization, host: 'example.com' })).status, 403, 'NET-2');
  test.equal((await refusedBy(url, ['other'], { authorization })).status, 400, 'subprotocol');
  const unknown = await refusedBy(`${url}/bank`, ['mcp'], { authorization });
  test.equal(unknown.status, 404);
  test.match(unknown.text, /SERVICE_UNKNOWN/);
  test.equal((await raw(Number(new URL(url).port), { body: INITIALIZE })).status, 426);
  test.equal((await refusedBy(url, ['mcp'], { authorization })).status, 101, 'negative control');
  test.equal((await refusedBy(url, ['mcp'], { authorization })).status, 503, 'one too many');
});

t.test('bad messages are answered, binary and too long ones end the connection', async (test) => {
  const { network, token } = await openHouse(test, { ws: 0, limits: { bodyBytes: 2000 } });
  const open = (): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(network.ws ?? '', ['mcp'], { headers: { authorization: `Bearer ${token}` } });
      socket.on('open', () => resolve(socket));
      socket.on('error', reject);
    });
  const next = (socket: WebSocket): Promise<string> =>
    new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString('utf8'))));
  const closed = (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.once('close', resolve));
  const socket = await open();
  for (const bad of ['{', '[]', '{"jsonrpc":"1.0"}', '['.repeat(500), '{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}']) {
    const answer = next(socket);
    socket.send(bad);
    test.match(await answer, /-32700/, bad.slice(0, 20));
  }
  const answer = next(socket);
  socket.send(INITIALIZE);
  test.match(await answer, /"serverInfo"/, 'and the connection goes on');
  const end = closed(socket);
  socket.send(Buffer.from([1, 2, 3]));
  test.equal(await end, 1003);
  const long = await open();
  const cut = closed(long);
  long.send('x'.repeat(3000));
  test.equal(await cut, 1009);
});

t.test('a peer that answers no ping is cut off', async (test) => {
  const { network, token } = await openHouse(test, { ws: 0, limits: { pingMs: 20 } });
  const socket = new WebSocket(network.ws ?? '', ['mcp'], { headers: { authorization: `Bearer ${token}` }, autoPong: false });
  test.equal(await new Promise<number>((resolve) => socket.once('close', resolve)), 1006);
});
