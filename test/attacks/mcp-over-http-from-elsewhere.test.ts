// Attack: reach the tools of `airlock mcp --http` without its token, or from a page in the operator's browser. NET-1 to NET-5, NET-8.
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { INITIALIZE, goodHeaders, openHouse, raw, type House } from '@airlock/mcp/test/network';
import { openNetwork } from '@airlock/mcp';
import t, { type Test } from 'tap';

const withoutToken = (token: string): Record<string, string> =>
  Object.fromEntries(Object.entries(goodHeaders(token)).filter(([name]) => name !== 'authorization'));

let house: House;
t.before(async () => {
  house = await openHouse(t);
});

t.test(
  'NET-1: no token, a wrong one, another form of it: 401 that says where to sign in, and nothing of the token',
  async (t) => {
    const { port, token } = house;
    const bare = withoutToken(token);
    const wrong = [
      {},
      { authorization: token },
      { authorization: `Bearer ${token.slice(0, -1)}` },
      { authorization: `Bearer ${token}x` },
      { authorization: `Bearer ${token.toLowerCase()}` },
      { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` },
      { authorization: 'Bearer ' },
      { authorization: [`Bearer ${token}`, `Bearer ${token}`] },
      { authorization: ['Bearer x', `Bearer ${token}`] },
      { 'x-authorization': `Bearer ${token}`, cookie: `token=${token}`, 'proxy-authorization': `Bearer ${token}` },
    ];
    for (const headers of wrong) {
      for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS', 'PUT', 'HEAD']) {
        const answer = await raw(port, { method, headers: { ...bare, ...headers }, body: method === 'POST' ? INITIALIZE : '' });
        t.equal(answer.status, 401, `${method} ${Object.keys(headers).join()}`);
        t.match(
          answer.headers['www-authenticate'],
          /^Bearer realm="airlock", resource_metadata="http:\/\/127\.0\.0\.1:\d+\/\.well-known/,
          'NET-5',
        );
        t.notMatch(JSON.stringify(answer), token);
        t.equal(answer.headers['mcp-session-id'], undefined);
      }
    }
    t.equal((await raw(port, { headers: goodHeaders(token), body: INITIALIZE })).status, 200, 'negative control');
  },
);

t.test('without a token nobody learns which services there are', async (t) => {
  const answers = await Promise.all(['/mcp/gmail', '/mcp/bank'].map((path) => raw(house.port, { path, body: INITIALIZE })));
  t.same(
    answers.map(({ status }) => status),
    [401, 401],
  );
  t.notMatch(JSON.stringify(answers), /SERVICE_UNKNOWN|expected/);
});

t.test('NET-4: a token in a query is refused, right or wrong', async (t) => {
  const { port, token } = house;
  const bare = withoutToken(token);
  for (const name of ['access_token', 'token', 'bearer', 'authorization']) {
    t.equal((await raw(port, { path: `/mcp?${name}=${token}`, headers: bare, body: INITIALIZE })).status, 401);
    t.equal((await raw(port, { path: `/mcp?${name}=${token}`, headers: goodHeaders(token), body: INITIALIZE })).status, 400);
  }
});

t.test('NET-2: DNS rebinding, with the right token', async (t) => {
  const { port, token } = house;
  const hosts = [
    'attacker.example',
    `attacker.example:${port}`,
    `localhost.attacker.example:${port}`,
    `127.0.0.1.nip.io:${port}`,
    `127.0.0.1:${port + 1}`,
    '127.0.0.1',
    `0.0.0.0:${port}`,
    `[::]:${port}`,
    `127.1:${port}`,
    `2130706433:${port}`,
    `localhost.:${port}`,
    [`127.0.0.1:${port}`, 'attacker.example'],
    ['attacker.example', `127.0.0.1:${port}`],
  ];
  for (const host of hosts) {
    const { status, headers } = await raw(port, { headers: { ...goodHeaders(token), host }, body: INITIALIZE });
    t.ok(status === 403 || status === 400, `${String(host)}: ${status}`);
    t.equal(headers['mcp-session-id'], undefined);
  }
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
    const good = { ...goodHeaders(token), host: `${name}:${port}` };
    t.equal((await raw(port, { headers: good, body: INITIALIZE })).status, 200, `negative control: ${name}`);
  }
  const absolute = await raw(port, { path: 'http://attacker.example/mcp', headers: goodHeaders(token), body: INITIALIZE });
  t.equal(absolute.status, 400);
});

t.test('NET-3: a page of another site, whatever it knows; and no CORS header for anybody', async (t) => {
  const { port, token } = house;
  for (const origin of [
    'https://attacker.example',
    'null',
    'http://localhost.attacker.example',
    'http://127.0.0.1.nip.io',
    'file://',
    '',
  ]) {
    for (const method of ['POST', 'OPTIONS', 'GET']) {
      const { status, headers } = await raw(port, {
        method,
        headers: { ...goodHeaders(token), origin },
        body: method === 'POST' ? INITIALIZE : '',
      });
      t.equal(status, 403, `${method} ${origin}`);
      t.notOk(Object.keys(headers).some((name) => name.startsWith('access-control')));
    }
  }
  const own = await raw(port, { headers: { ...goodHeaders(token), origin: `http://127.0.0.1:${port}` }, body: INITIALIZE });
  t.equal(own.status, 200, 'negative control');
  t.notOk(Object.keys(own.headers).some((name) => name.startsWith('access-control')));
});

t.test('what a page may send without asking is no request of MCP', async (t) => {
  const { port, token } = house;
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const { status } = await raw(port, { headers: { ...goodHeaders(token), 'content-type': type }, body: INITIALIZE });
    t.equal(status, 415, type);
  }
});

t.test('NET-8: nothing but loopback listens, and who squats on one of the two addresses stops the start', async (t) => {
  const { gateway } = house;
  for (const host of ['127.0.0.1', '::1']) {
    const squatter = createServer();
    const port = await new Promise<number>((resolve) => {
      squatter.listen({ host, port: 0 }, () => resolve((squatter.address() as { port: number }).port));
    });
    const opened = openNetwork({ env: gateway.env, client: 'test', version: '0', http: port });
    await t.rejects(opened, { code: 'UNAVAILABLE', data: { hint: /another port, or 0/ } }, host);
    await new Promise((resolve) => squatter.close(resolve));
  }
  await t.rejects(raw(house.port, { host: '127.0.0.2', headers: goodHeaders(house.token), body: INITIALIZE }), {
    code: 'ECONNREFUSED',
  });
  const answer = await raw(house.port, { host: '::1', headers: goodHeaders(house.token), body: INITIALIZE });
  t.equal(answer.status, 200, 'negative control: ::1 is served');
});

/** Only root can be somebody else, or give files away; for others there is no such test. */
const asRoot = (name: string, run: (t: Test) => Promise<void>): void => {
  if (process.geteuid?.() === 0) void t.test(name, run);
};

asRoot(
  'another user of the machine reads no token and gets no further',

  async (t) => {
    const { port, network } = house;
    const NOBODY = 65_534;
    const script = `
    const fs = require('node:fs');
    const read = () => { try { return fs.readFileSync(process.argv[1], 'utf8').trim(); } catch (error) { return error.code; } };
    const token = read();
    const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    fetch('http://127.0.0.1:${port}/mcp', { method: 'POST', headers, body: process.argv[2] })
      .then(({ status }) => console.log(JSON.stringify({ token: token.length > 10 ? 'read' : token, status })));`;
    const as = (uid: number): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const options = { uid, gid: uid, cwd: '/', env: {} };
        execFile(process.execPath, ['-e', script, network.tokenFile, INITIALIZE], options, (error, stdout) =>
          error === null ? resolve(JSON.parse(stdout)) : reject(new Error(error.message)),
        );
      });
    t.same(await as(NOBODY), { token: 'EACCES', status: 401 });
    t.same(await as(0), { token: 'read', status: 200 }, 'negative control');
  },
);
