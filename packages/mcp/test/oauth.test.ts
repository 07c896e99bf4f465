/** Sign-in: the official client's own flow, and the parts of it with a clock and randomness of the test. */
import { StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import fc from 'fast-check';
import t from 'tap';
import { NET_LIMITS } from '../src/net/limits.js';
import { Clients, isRegistered } from '../src/oauth/clients.js';
import { Grants } from '../src/oauth/grants.js';
import { Pairing } from '../src/oauth/pairing.js';
import { challengeOf } from '../src/oauth/secrets.js';
import { REVISIONS, connectClient, openHouse, raw } from './network.js';
import {
  CHALLENGE,
  Provider,
  REDIRECT,
  Terminal,
  VERIFIER,
  locationOf,
  openPage,
  submit,
  token,
  type TokenAnswer,
} from './sign-in.js';

for (const revision of REVISIONS) {
  t.test(`${revision}: the official client signs in, calls, refreshes`, async (test) => {
    const terminal = new Terminal();
    let now = 0;
    const { url, port } = await openHouse(test, {
      say: terminal.say,
      timers: { nowMs: () => now, after: () => ({ cancel: () => undefined }) },
    });
    const provider = new Provider();
    const first = new StreamableHTTPClientTransport(url, { authProvider: provider });
    await test.rejects(connectClient(test, first, revision), UnauthorizedError);
    const opened = provider.opened;
    test.ok(opened);
    test.equal(opened?.searchParams.get('resource'), url.href);
    const page = await openPage(port, `${opened?.pathname ?? ''}${opened?.search ?? ''}`);
    const back = await submit(port, page, terminal.letters.toLowerCase().replace('-', ' '));
    test.equal(back.status, 303);
    test.equal(locationOf(back).get('state'), 'state-of-the-client');
    await first.finishAuth(locationOf(back));
    const { tool } = await connectClient(test, new StreamableHTTPClientTransport(url, { authProvider: provider }), revision);
    test.match((await tool('airlock_status')).structured, { role: 'default' });
    const before = provider.tokens()?.access_token;
    now += NET_LIMITS.accessMs;
    const later = await connectClient(test, new StreamableHTTPClientTransport(url, { authProvider: provider }), revision);
    test.match((await later.tool('airlock_status')).structured, { role: 'default' });
    test.not(provider.tokens()?.access_token, before, 'refreshed by itself');
  });
}

t.test('metadata names the server as it was called, and has nothing for other paths', async (test) => {
  const { port } = await openHouse(test);
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
    const authority = `${name}:${port}`;
    const get = (path: string) => raw(port, { method: 'GET', path, headers: { host: authority } });
    test.match((await get('/.well-known/oauth-protected-resource/mcp/gmail')).json, {
      resource: `http://${authority}/mcp/gmail`,
      authorization_servers: [`http://${authority}`],
    });
    test.match((await get('/.well-known/oauth-authorization-server')).json, {
      issuer: `http://${authority}`,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    });
  }
  for (const path of [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/x',
    '/.well-known/openid-configuration',
    '/oauth',
    '/oauth/x',
  ]) {
    test.equal((await raw(port, { method: 'GET', path })).status, 404, path);
  }
  test.equal((await raw(port, { path: '/.well-known/oauth-authorization-server' })).status, 405);
  test.equal((await raw(port, { path: '/oauth/authorize' })).status, 405);
});

t.test('OAUTH-1: letters are drawn evenly, good once, for a time and a number of tries', async (test) => {
  let now = 0;
  const shown: string[] = [];
  let seed = 0;
  const random = (length: number): Buffer => Buffer.from(Array.from({ length }, () => (seed = (seed + 37) % 256)));
  const pairing = new Pairing({
    limits: NET_LIMITS,
    timers: { nowMs: () => now },
    random,
    show: (letters) => void shown.push(letters),
  });
  const last = (): string => shown.at(-1) ?? '';
  test.notOk(pairing.check(''), 'nothing is good before there are letters');
  pairing.offer();
  pairing.offer();
  test.equal(shown.length, 1, 'the same as long as they can be typed');
  test.match(last(), /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  test.ok(pairing.check(last()));
  test.notOk(pairing.check(last()), 'once');
  pairing.offer();
  test.not(shown[1], shown[0]);
  now += NET_LIMITS.pairingMs;
  test.notOk(pairing.check(last()), 'expired');
  pairing.offer();
  for (let n = 0; n < NET_LIMITS.pairingTries; n += 1) test.notOk(pairing.check('BBBB-BBBB'));
  test.notOk(pairing.check(last()), 'the tries are used up');
  let tries = 0;
  while (!pairing.isClosed && tries < 100) {
    pairing.offer();
    pairing.check('BBBB-BBBB');
    tries += 1;
  }
  test.equal(tries, NET_LIMITS.pairingFailures - NET_LIMITS.pairingTries);
  const before = shown.length;
  pairing.offer();
  test.equal(shown.length, before, 'closed');
  now += NET_LIMITS.pairingWindowMs;
  pairing.offer();
  test.ok(pairing.check(last()), 'open again after the hour');
});

t.test('OAUTH-2: where a redirect may go', async (test) => {
  const clients = new Clients(
    NET_LIMITS,
    (length) => Buffer.alloc(length, 1),
    () => false,
  );
  const register = (uri: unknown) => clients.register({ redirect_uris: [uri] });
  for (const uri of [REDIRECT, 'http://localhost/cb', 'http://[::1]:5/x?y=1', 'http://127.0.0.1:80/'])
    test.ok(register(uri).id, uri);
  const bad = [
    'https://127.0.0.1/cb',
    'http://example.com/cb',
    'http://127.0.0.1@example.com/',
    'http://user@127.0.0.1/cb',
    'http://127.0.0.1.example.com/cb',
    'http://localhost.example.com/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://0x7f.1/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1/cb#x',
    'http://127.0.0.1\\@example.com/',
    'http://127.0.0.1/\r\nSet-Cookie: x=1',
    'http://127.0.0.1\t/cb',
    ' http://127.0.0.1/cb',
    'HTTP://127.0.0.1/cb',
    'http:127.0.0.1/cb',
    '//127.0.0.1/cb',
    'javascript:alert(1)//http://127.0.0.1/',
    'data:text/html,x',
    'cursor://x',
    'http://127.0.0.1/"><script>',
    `http://127.0.0.1/${'x'.repeat(600)}`,
    '',
    7,
    null,
  ];
  for (const uri of bad) {
    if (uri === 'http://127.0.0.1/"><script>') continue;
    test.throws(() => register(uri), { code: 'invalid_redirect_uri' }, String(uri));
  }
  for (const uris of [undefined, [], 'x', [REDIRECT, 'https://example.com/'], Array.from({ length: 9 }, () => REDIRECT)]) {
    test.throws(() => clients.register({ redirect_uris: uris }), { code: 'invalid_redirect_uri' });
  }
  for (const metadata of [null, [], 'x', 7]) test.throws(() => clients.register(metadata), { code: 'invalid_client_metadata' });
  const client = register('http://127.0.0.1:1234/cb?a=1');
  test.ok(isRegistered(client, 'http://127.0.0.1:5/cb?a=1'), 'RFC 8252 §7.3: any port');
  for (const uri of [
    'http://localhost:1234/cb?a=1',
    'http://127.0.0.1:1234/cb',
    'http://127.0.0.1:1234/cb?a=1&b=2',
    'http://127.0.0.1:1234/cb/?a=1',
    'http://127.0.0.1:1234:5/cb?a=1',
  ]) {
    test.notOk(isRegistered(client, uri), uri);
  }
  fc.assert(
    fc.property(fc.webUrl(), (uri) => {
      try {
        register(uri);
        return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(uri).hostname);
      } catch {
        return true;
      }
    }),
  );
});

t.test('a name that moves the cursor or hides is made harmless', async (test) => {
  const clients = new Clients(
    NET_LIMITS,
    (length) => Buffer.alloc(length, 1),
    () => false,
  );
  const name = (text: unknown) => clients.register({ redirect_uris: [REDIRECT], client_name: text }).name;
  test.equal(name('a\u001b[31mb\u202ec\nd'), 'a\uFFFD[31mb\uFFFDc\uFFFDd');
  test.equal(name('x'.repeat(500)).length, 80);
  test.match(name(undefined), /without a name/);
  test.throws(() => name(7), { code: 'invalid_client_metadata' });
});

const makeGrants = () => {
  const state = { now: 0, ended: [] as string[], count: 0 };
  const random = (length: number): Buffer => {
    state.count += 1;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(state.count);
    return bytes;
  };
  const grants = new Grants({
    limits: NET_LIMITS,
    timers: { nowMs: () => state.now },
    random,
    onEnd: (id) => void state.ended.push(id),
  });
  return { state, grants };
};
const CONSENT = { clientId: 'c1', redirectUri: REDIRECT, challenge: CHALLENGE, path: '/mcp' };
const PROOF = { clientId: 'c1', redirectUri: REDIRECT, verifier: VERIFIER, path: '/mcp' };

t.test('OAUTH-3: the vector of RFC 7636; a code with anything else is refused and used up', async (test) => {
  test.equal(challengeOf(VERIFIER), CHALLENGE);
  const wrong = [
    { clientId: 'c2' },
    { redirectUri: `${REDIRECT}x` },
    { verifier: `${VERIFIER}x` },
    { verifier: CHALLENGE },
    { path: '/mcp/gmail' },
  ];
  for (const more of wrong) {
    const { grants } = makeGrants();
    const code = grants.issue(CONSENT);
    test.throws(() => grants.redeem(code, { ...PROOF, ...more }), { code: 'invalid_grant' }, JSON.stringify(more));
    test.throws(() => grants.redeem(code, PROOF), { code: 'invalid_grant' }, 'used up');
  }
  const { grants, state } = makeGrants();
  const late = grants.issue(CONSENT);
  state.now += NET_LIMITS.codeMs;
  test.throws(() => grants.redeem(late, PROOF), { code: 'invalid_grant' });
  const code = grants.issue(CONSENT);
  test.throws(() => grants.redeem(`${code}x`, PROOF), { code: 'invalid_grant' });
  const { access } = grants.redeem(code, PROOF);
  test.ok(grants.ownerOf(access, '/mcp'), 'negative control');
  test.throws(() => grants.redeem(code, PROOF), { code: 'invalid_grant' });
  test.equal(grants.ownerOf(access, '/mcp'), null, 'presented again: revoked');
  test.equal(state.ended.length, 1);
});

t.test('OAUTH-4: a refresh token presented again revokes the family', async (test) => {
  const { grants, state } = makeGrants();
  const first = grants.redeem(grants.issue(CONSENT), PROOF);
  const second = grants.refresh(first.refresh, 'c1', null);
  test.equal(grants.ownerOf(first.access, '/mcp'), null);
  test.ok(grants.ownerOf(second.access, '/mcp'));
  test.throws(() => grants.refresh(first.refresh, 'c1', null), { code: 'invalid_grant' });
  test.equal(grants.ownerOf(second.access, '/mcp'), null);
  test.throws(() => grants.refresh(second.refresh, 'c1', null), { code: 'invalid_grant' });
  test.equal(state.ended.length, 1);
  const other = grants.redeem(grants.issue(CONSENT), PROOF);
  test.throws(() => grants.refresh(other.refresh, 'c2', null), { code: 'invalid_grant' }, 'of another client');
  test.notOk(grants.hasFamily('c1'));
});

t.test('OAUTH-5: an access token ends, and is good where it was asked for', async (test) => {
  const { grants, state } = makeGrants();
  const all = grants.redeem(grants.issue(CONSENT), PROOF);
  const one = grants.redeem(grants.issue({ ...CONSENT, path: '/mcp/gmail' }), { ...PROOF, path: '/mcp/gmail' });
  test.ok(grants.ownerOf(all.access, '/mcp/gmail'));
  test.ok(grants.ownerOf(one.access, '/mcp/gmail'));
  for (const path of ['/mcp', '/mcp/gmail2', '/mcp/notes', '/mcp/gmail/x'])
    test.equal(grants.ownerOf(one.access, path), null, path);
  test.equal(grants.ownerOf(one.refresh, '/mcp/gmail'), null, 'a refresh token is no access token');
  state.now += NET_LIMITS.accessMs;
  test.equal(grants.ownerOf(all.access, '/mcp'), null);
  state.now += NET_LIMITS.refreshMs;
  test.throws(() => grants.refresh(all.refresh, 'c1', null), { code: 'invalid_grant' });
});

t.test('OAUTH-8: bounded; a client that is signed in makes no room', async (test) => {
  const used = new Set<string>();
  let count = 0;
  const random = (length: number): Buffer => {
    count += 1;
    return Buffer.alloc(length, count);
  };
  const clients = new Clients({ ...NET_LIMITS, clients: 2 }, random, (id) => used.has(id));
  const register = () => clients.register({ redirect_uris: [REDIRECT] }).id;
  const first = register();
  used.add(first);
  const second = register();
  const third = register();
  test.ok(clients.find(first));
  test.equal(clients.find(second), null);
  used.add(third);
  test.throws(register, { code: 'temporarily_unavailable' });
  const { grants, state } = makeGrants();
  for (let n = 0; n < NET_LIMITS.families + 3; n += 1) grants.redeem(grants.issue(CONSENT), PROOF);
  test.equal(state.ended.length, 3);
});

t.test('the token endpoint answers with codes of RFC 6749', async (test) => {
  const { port } = await openHouse(test);
  test.match((await token(port, {})).json, { error: 'invalid_request' });
  test.match((await token(port, { client_id: 'x', grant_type: 'authorization_code' })).json, { error: 'invalid_client' });
  const asJson = await raw(port, { path: '/oauth/token', headers: { 'content-type': 'application/json' }, body: '{}' });
  test.equal(asJson.status, 415);
  const twice = await raw(port, {
    path: '/oauth/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'client_id=a&client_id=b',
  });
  test.match(twice.json, { error: 'invalid_request', error_description: /twice/ });
  const none: Partial<TokenAnswer> = {};
  test.equal(none.access_token, undefined);
});
