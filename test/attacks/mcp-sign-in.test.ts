// Attack: sign in to `airlock mcp --http` without the human, or have somebody else's sign-in count. OAUTH-1 to OAUTH-7.
import { INITIALIZE, goodHeaders, openHouse, raw, type House } from '@airlock/mcp/test/network';
import {
  REDIRECT,
  Terminal,
  VERIFIER,
  authorizePath,
  locationOf,
  openPage,
  redeem,
  register,
  signIn,
  submit,
  token,
  type TokenAnswer,
} from '@airlock/mcp/test/sign-in';
import t, { type Test } from 'tap';

interface SignInHouse extends House {
  readonly terminal: Terminal;
}

const open = async (test: Test): Promise<SignInHouse> => {
  const terminal = new Terminal();
  return { ...(await openHouse(test, { say: terminal.say })), terminal };
};

const statusWith = async (port: number, access: string, path = '/mcp'): Promise<number> =>
  (await raw(port, { path, headers: goodHeaders(access), body: INITIALIZE })).status;

t.test('OAUTH-1: guessing pairing letters ends at twenty, whatever is opened anew', async (t) => {
  const { port, terminal } = await open(t);
  const clientId = await register(port);
  let page = await openPage(port, authorizePath(port, clientId));
  let tries = 0;
  for (; tries < 200; tries += 1) {
    const answer = await submit(port, page, 'BBBB-BBBC');
    t.equal(answer.headers.location, undefined);
    if (answer.status === 429) break;
    if (tries % 3 === 0) page = await openPage(port, authorizePath(port, clientId));
  }
  t.equal(tries, 19, 'the twentieth closes it');
  const late = await raw(port, { method: 'GET', path: authorizePath(port, clientId) });
  t.equal(locationOf(late).get('error'), 'temporarily_unavailable');
  t.equal((await submit(port, page, terminal.letters)).headers.location, undefined, 'the right ones too');
  t.ok(terminal.count <= 5, 'and the terminal is not flooded');
});

t.test('letters and page are good once', async (t) => {
  const { port, terminal } = await open(t);
  const clientId = await register(port);
  const [one, two] = [await openPage(port, authorizePath(port, clientId)), await openPage(port, authorizePath(port, clientId))];
  const { letters } = terminal;
  t.ok(locationOf(await submit(port, one, letters)).get('code'), 'negative control');
  t.equal((await submit(port, one, letters)).status, 403, 'the page again');
  t.equal((await submit(port, two, letters)).headers.location, undefined, 'the letters for another page');
  t.not(terminal.letters, letters, 'new ones were printed');
  const denied = await submit(port, two, '', { answer: 'deny' });
  t.equal(locationOf(denied).get('error'), 'access_denied');
});

t.test('OAUTH-7: a code typed into the page is refused and recorded, and no code is asked for', async (t) => {
  const { port, gateway } = await open(t);
  const page = await openPage(port, authorizePath(port, await register(port)));
  t.match(page.answer.text, /Never type a code from your phone here/);
  t.notMatch(page.answer.text, /name="(?:code|otp|totp)"|type="password"/);
  for (const typed of ['123456', '123 456', '12345678', 'code 123456']) {
    const { text, headers } = await submit(port, page, typed);
    t.match(text, /looks like a one-time code/);
    t.notMatch(text, typed);
    t.equal(headers.location, undefined);
  }
  t.same(gateway.calls('code'), [{}, {}, {}, {}], 'recorded without it');
  t.match((await submit(port, page, 'BBBB-BBBC')).text, /not the pairing letters/, 'negative control');
});

t.test('OAUTH-6: a form from elsewhere does not count (CSRF)', async (t) => {
  const { port, terminal } = await open(t);
  const clientId = await register(port);
  const page = await openPage(port, authorizePath(port, clientId));
  const other = await openPage(port, authorizePath(port, clientId));
  const forged: readonly [string, Parameters<typeof submit>[1], Record<string, string>][] = [
    ['no cookie', { ...page, cookie: '' }, {}],
    ['the cookie of another page', { ...page, cookie: other.cookie }, {}],
    ['an invented transaction', { ...page, transaction: 'x' }, {}],
    ['a page of another port', page, { origin: `http://127.0.0.1:${port + 1}` }],
    ['another name of this machine', page, { origin: `http://localhost:${port}` }],
    ['an origin that is none', page, { origin: 'null' }],
    ['another site', page, { origin: 'https://attacker.example' }],
    ['text/plain', page, { 'content-type': 'text/plain' }],
  ];
  for (const [name, from, headers] of forged) {
    const { status, headers: got } = await submit(port, from, terminal.letters, { headers });
    t.ok([403, 415].includes(status), name);
    t.equal(got.location, undefined, name);
  }
  const bare = await raw(port, {
    path: '/oauth/consent',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: page.cookie },
    body: `transaction=${page.transaction}&pairing=${terminal.letters}&answer=allow`,
  });
  t.equal(bare.status, 403, 'no Origin at all');
  t.ok(locationOf(await submit(port, page, terminal.letters)).get('code'), 'negative control: none of that used the letters up');
});

t.test('OAUTH-6: no script, no frame, nothing of the client but text', async (t) => {
  const { port, terminal } = await open(t);
  const name = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u001b[2J\u202e';
  const clientId = await register(port, { redirect_uris: [`${REDIRECT}?a='&lt;`], client_name: name });
  const path = authorizePath(port, clientId, { redirect_uri: `${REDIRECT}?a='&lt;`, state: '"><script>' });
  const { answer } = await openPage(port, path);
  t.notMatch(answer.text, /<script|<img|<iframe|\u001b|\u202e|javascript:/i);
  const csp = String(answer.headers['content-security-policy']);
  t.match(csp, /default-src 'none'/);
  t.match(csp, /frame-ancestors 'none'/);
  t.match(csp, /base-uri 'none'/);
  t.match(csp, /form-action 'self' http:\/\/127\.0\.0\.1:9;/);
  t.notMatch(csp, /unsafe|script-src|\*/);
  t.match(answer.headers, {
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  });
  t.match(answer.headers['set-cookie']?.[0], /; HttpOnly; SameSite=Strict$/);
  t.notMatch(terminal.lines.join('\n'), /[\u001b\u202e]/, 'nor on the terminal');
  const framed = await openPage(port, path, { 'sec-fetch-dest': 'iframe' });
  t.equal(framed.answer.status, 400);
  t.equal(framed.transaction, '');
});

t.test('OAUTH-2: redirect tricks: nobody is sent anywhere the client did not register', async (t) => {
  const { port } = await open(t);
  const clientId = await register(port);
  for (const uri of [
    'https://attacker.example/',
    'http://127.0.0.1:9@attacker.example/callback',
    'http://127.0.0.1.attacker.example:9/callback',
    `${REDIRECT}/../other`,
    `${REDIRECT}?x=1`,
    `${REDIRECT}#x`,
    'http://localhost:9/callback',
    'javascript:alert(1)',
    '//attacker.example/callback',
  ]) {
    const { answer } = await openPage(port, authorizePath(port, clientId, { redirect_uri: uri }));
    t.same([answer.status, answer.headers.location], [400, undefined], uri);
    t.notMatch(answer.text, /attacker|name="transaction"/);
  }
  for (const id of ['', 'x', '__proto__', 'constructor']) {
    t.equal((await openPage(port, authorizePath(port, id))).answer.status, 400, `client ${id}`);
  }
  const twice = await openPage(port, `${authorizePath(port, clientId)}&redirect_uri=https%3A%2F%2Fattacker.example%2F`);
  t.equal(twice.answer.status, 400, 'two redirects');
  t.ok(
    (await openPage(port, authorizePath(port, clientId, { redirect_uri: REDIRECT.replace(':9/', ':1234/') }))).transaction,
    'negative control: another port',
  );
});

t.test('OAUTH-3: PKCE left out, plain or short is refused at the start, a wrong verifier at the end', async (t) => {
  const { port, terminal } = await open(t);
  const clientId = await register(port);
  for (const more of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
    { code_challenge_method: 's256' },
    { code_challenge: 'short' },
  ]) {
    const { answer } = await openPage(port, authorizePath(port, clientId, more));
    t.equal(locationOf(answer).get('error'), 'invalid_request', JSON.stringify(more));
  }
  t.equal(
    locationOf((await openPage(port, authorizePath(port, clientId, { response_type: 'token' }))).answer).get('error'),
    'unsupported_response_type',
  );
  for (const verifier of ['', 'x'.repeat(43), VERIFIER.toLowerCase(), 'x'.repeat(500)]) {
    const signedIn = await signIn(port, terminal);
    const answer = await redeem(port, signedIn, { code_verifier: verifier });
    t.match(answer.json, { error: /^invalid_(?:grant|request)$/ });
  }
  t.equal((await redeem(port, await signIn(port, terminal))).status, 200, 'negative control');
});

t.test('OAUTH-3, OAUTH-4: a code or refresh token used twice ends everything that came of it, sessions too', async (t) => {
  const { port, terminal } = await open(t);
  const signedIn = await signIn(port, terminal);
  const first = (await redeem(port, signedIn)).json as TokenAnswer;
  t.equal(await statusWith(port, first.access_token), 200, 'negative control');
  t.match((await redeem(port, signedIn)).json, { error: 'invalid_grant' });
  t.equal(await statusWith(port, first.access_token), 401);
  const again = await signIn(port, terminal);
  const tokens = (await redeem(port, again)).json as TokenAnswer;
  const begun = await raw(port, { headers: goodHeaders(tokens.access_token), body: INITIALIZE });
  const refresh = (text: string) => token(port, { grant_type: 'refresh_token', client_id: again.clientId, refresh_token: text });
  const next = (await refresh(tokens.refresh_token)).json as TokenAnswer;
  const inSession = {
    ...goodHeaders(next.access_token),
    'mcp-session-id': String(begun.headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  };
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
  t.equal((await raw(port, { headers: inSession, body: list })).status, 200, 'negative control: the session goes on');
  t.match((await refresh(tokens.refresh_token)).json, { error: 'invalid_grant' });
  t.equal(await statusWith(port, next.access_token), 401);
  t.equal((await raw(port, { headers: inSession, body: list })).status, 401);
});

t.test('NET-7: a session of one sign-in is not there for another', async (t) => {
  const { port, terminal, token: fileToken } = await open(t);
  const tokens = (await redeem(port, await signIn(port, terminal))).json as TokenAnswer;
  const begun = await raw(port, { headers: goodHeaders(tokens.access_token), body: INITIALIZE });
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
  const session = { 'mcp-session-id': String(begun.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
  t.equal((await raw(port, { headers: { ...goodHeaders(fileToken), ...session }, body: list })).status, 404);
  t.equal(
    (await raw(port, { headers: { ...goodHeaders(tokens.access_token), ...session }, body: list })).status,
    200,
    'negative control',
  );
});

t.test('OAUTH-5: a token for one service opens no other endpoint; a resource elsewhere is none', async (t) => {
  const { port, terminal } = await open(t);
  const resource = `http://127.0.0.1:${port}/mcp/gmail`;
  const tokens = (await redeem(port, await signIn(port, terminal, { resource }), { resource })).json as TokenAnswer;
  t.equal(await statusWith(port, tokens.access_token, '/mcp/gmail'), 200, 'negative control');
  t.equal(await statusWith(port, tokens.access_token), 401);
  t.equal(await statusWith(port, tokens.refresh_token, '/mcp/gmail'), 401, 'a refresh token opens nothing');
  const clientId = await register(port);
  for (const bad of [
    '',
    'https://attacker.example/mcp',
    `http://127.0.0.1:${port + 1}/mcp`,
    `http://127.0.0.1:${port}/`,
    `http://127.0.0.1:${port}/mcp/../x`,
    `http://x@127.0.0.1:${port}/mcp`,
  ]) {
    const { answer } = await openPage(port, authorizePath(port, clientId, { resource: bad }));
    t.equal(locationOf(answer).get('error'), 'invalid_target', bad);
  }
});

t.test('NET-2, NET-3 hold for sign-in too, and nothing of it has a CORS header', async (t) => {
  const { port } = await open(t);
  for (const path of ['/oauth/register', '/oauth/token', '/oauth/authorize', '/.well-known/oauth-authorization-server']) {
    for (const headers of [{ host: `attacker.example:${port}` }, { origin: 'https://attacker.example' }]) {
      const answer = await raw(port, { method: path.startsWith('/.') ? 'GET' : 'POST', path, headers });
      t.equal(answer.status, 403, path);
      t.notOk(Object.keys(answer.headers).some((name) => name.startsWith('access-control')));
    }
  }
  const big = await raw(port, {
    path: '/oauth/register',
    headers: { 'content-type': 'application/json' },
    body: 'x'.repeat(20_000),
  });
  t.equal(big.status, 413);
});
