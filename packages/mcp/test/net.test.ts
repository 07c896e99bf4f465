/** The pure parts of the network transports: names, tokens, recent events, sessions. */
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { isLoopbackOrigin, loopbackAuthority } from '../src/net/address.js';
import { bearerOf, loadToken, secretCheck } from '../src/net/bearer.js';
import { RecentEvents } from '../src/net/event-store.js';
import { serviceOfPath } from '../src/net/endpoints.js';

const UID = process.geteuid?.() ?? -1;

t.test('NET-2: loopback names with this port alone', async (test) => {
  for (const host of ['127.0.0.1:8722', 'localhost:8722', 'LOCALHOST:8722', '[::1]:8722']) {
    test.equal(loopbackAuthority(host, 8722), host.toLowerCase(), host);
  }
  test.equal(loopbackAuthority('localhost', 80), 'localhost');
  const foreign = [
    undefined,
    '',
    'localhost',
    'localhost:8723',
    'localhost:08722',
    'localhost.:8722',
    '127.1:8722',
    '0.0.0.0:8722',
    '[::]:8722',
    '[::ffff:127.0.0.1]:8722',
    'localhost:8722@example.com',
    'example.com#localhost:8722',
    'localhost.example.com:8722',
    '127.0.0.1.nip.io:8722',
    ' localhost:8722',
  ];
  for (const host of foreign) test.equal(loopbackAuthority(host, 8722), null, host ?? 'none');
  fc.assert(
    fc.property(
      fc.domain(),
      fc.nat(65_535),
      (name, port) => loopbackAuthority(`${name}:${port}`, port) === null || name === 'localhost',
    ),
  );
});

t.test('NET-3: loopback origins alone', async (test) => {
  for (const origin of ['http://127.0.0.1:6274', 'http://localhost', 'https://localhost:1', 'http://[::1]:80']) {
    test.ok(isLoopbackOrigin(origin), origin);
  }
  const foreign = [
    'null',
    '',
    'https://example.com',
    'http://localhost.example.com',
    'http://127.0.0.1.nip.io',
    'file://',
    'http://127.0.0.1@example.com',
  ];
  for (const origin of foreign) test.notOk(isLoopbackOrigin(origin), origin);
});

t.test('NET-1: the token is made once, 0600, and refused where it is not ours alone or no token', async (test) => {
  const dir = mkdtempSync(join(tmpdir(), 'token-'));
  test.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'private', 'mcp-http.token');
  const token = loadToken(path, UID, (length) => Buffer.alloc(length, 1));
  test.equal(token, Buffer.alloc(32, 1).toString('base64url'), '256 bits');
  test.equal(statSync(path).mode & 0o777, 0o600);
  test.equal(loadToken(path, UID), token, 'kept');
  writeFileSync(path, 'short\n');
  test.throws(() => loadToken(path, UID), { code: 'CONFIG_INVALID', data: { hint: /rm / } });
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  test.throws(() => loadToken(path, UID + 1), { code: 'CONFIG_INVALID' }, 'of another user');
  const link = join(dir, 'private', 'link');
  symlinkSync(path, link);
  test.throws(() => loadToken(link, UID), { code: 'CONFIG_INVALID' });
  rmSync(dir, { recursive: true });
});

t.test('NET-1: one token is good; a header is read strictly', async (test) => {
  const isToken = secretCheck('right');
  test.ok(isToken('right'));
  for (const wrong of ['', 'righ', 'rightx', 'Right']) test.notOk(isToken(wrong), wrong);
  test.equal(bearerOf('Bearer abc'), 'abc');
  test.equal(bearerOf('bearer abc'), 'abc');
  for (const header of [
    '',
    'abc',
    'Bearer',
    'Bearer ',
    'Bearer  abc',
    'Bearer abc def',
    'Basic abc',
    'Bearer a,Bearer b',
    'Bearer a\u0000',
  ]) {
    test.equal(bearerOf(header), null, header);
  }
});

t.test('recent events are bounded in number and bytes, and an old id is refused', async (test) => {
  const message = (n: number) => ({ jsonrpc: '2.0' as const, method: 'x', params: { n } });
  const events = new RecentEvents(3, 10_000);
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push(await events.storeEvent(n % 2 === 0 ? 'even' : 'odd', message(n)));
  test.equal(await events.getStreamIdForEventId(ids[0] ?? ''), undefined);
  const seen: unknown[] = [];
  const send = async (_id: string, { params }: { params?: unknown }): Promise<void> => void seen.push(params);
  test.equal(await events.replayEventsAfter(ids[2] ?? '', { send: send as never }), 'even');
  test.same(seen, [{ n: 4 }], 'of its stream alone');
  await test.rejects(events.replayEventsAfter(ids[0] ?? '', { send: send as never }));
  const small = new RecentEvents(1000, 200);
  for (let n = 0; n < 100; n += 1) await small.storeEvent('s', message(n));
  test.ok(small.bytes <= 200);
});

t.test('paths of endpoints', async (test) => {
  test.same(['/mcp', '/mcp/', '/mcp/gmail', '/mcp/a-1'].map(serviceOfPath), ['', '', 'gmail', 'a-1']);
  for (const path of ['', '/', '/mc', '/mcp/A', '/mcp/a/b', '/mcp/a/', '/mcp/..', '/mcp/%61', '/mcp/a?x']) {
    test.equal(serviceOfPath(path), null, path);
  }
});
