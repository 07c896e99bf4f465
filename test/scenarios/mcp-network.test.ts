// `airlock mcp --http --ws` with the real daemons and the official client: no lease, request, approval, call, expiry.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REVISIONS, WsClientTransport, connectClient, httpTransport } from '@airlock/mcp/test/network';
import {
  Terminal,
  authorizePath,
  locationOf,
  openPage,
  redeem,
  register,
  submit,
  type TokenAnswer,
} from '@airlock/mcp/test/sign-in';
import { addMailbox, approveFront, checkout, startTestInstance, until, type Running } from '@airlock/testkit';
import t from 'tap';

interface Served {
  readonly http: string;
  readonly ws: string;
  readonly tokenFile: string;
}

const PROGRAM = join(checkout, 'dist/lib/airlock.cjs');
/** What the process prints on stderr. */
const terminal = new Terminal();
let running: Running;
let child: ChildProcess;
let served: Served;
let token: string;
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  child = spawn(process.execPath, [PROGRAM, 'mcp', '--http', '0', '--ws', '0', '--json'], {
    env: running.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => text.split('\n').forEach(terminal.say));
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  served = JSON.parse(await new Promise<string>((resolve) => lines.once('line', resolve))) as Served;
  token = readFileSync(served.tokenFile, 'utf8').trim();
});
t.teardown(async () => {
  child.kill('SIGKILL');
  await running.stop();
});

const transports = [
  ...REVISIONS.map((revision) => ({
    name: `HTTP ${revision}`,
    revision,
    open: () => httpTransport(new URL(served.http), token),
  })),
  ...REVISIONS.map((revision) => ({
    name: `WebSocket ${revision}`,
    revision,
    open: () => new WsClientTransport(served.ws, token),
  })),
  {
    name: 'HTTP, endpoint of the service',
    revision: REVISIONS[0],
    open: () => httpTransport(new URL(`${served.http}/mail`), token),
  },
];

for (const { name, revision, open } of transports) {
  t.test(`${name}: no lease, request, approval, call, expiry`, async (test) => {
    const { tool, client } = await connectClient(test, open(), revision);
    test.ok((await client.listTools()).tools.some((one) => one.name === 'airlock_list_emails'));
    const refused = await tool('airlock_list_emails', { limit: 2 });
    test.match(refused.structured, { error: { next: { tool: 'airlock_request_access' } } });
    const asked = await tool('airlock_request_access', { scopes: ['mail:read'], reason: 'read mail', ttl_minutes: 10 });
    test.match(asked.structured, { status: 'pending', match: /^\d\d$/ });
    await approveFront(running);
    test.match((await tool('airlock_wait', { request: asked.structured['request'] })).structured, { status: 'approved' });
    const listed = await tool('airlock_list_emails', { limit: 2 });
    test.equal(listed.isError, false);
    test.match(listed.structured, { service: 'mail' });
    running.clock.advance(11 * 60_000);
    test.match((await tool('airlock_list_emails', { limit: 2 })).structured, { error: { code: /LEASE/ } }, 'expired');
  });
}

t.test('sign-in with the letters of the terminal; a phone code in the page is recorded', async (test) => {
  const port = Number(new URL(served.http).port);
  const clientId = await register(port, { redirect_uris: ['http://127.0.0.1:9/callback'], client_name: 'a\u001b[2Jb' });
  const page = await openPage(port, authorizePath(port, clientId));
  const letters = await until('pairing letters', () => terminal.letters || null);
  test.notMatch(terminal.lines.join(''), /\u001b/);
  test.match((await submit(port, page, running.freshCode())).text, /one-time code/);
  const { json } = await running.command('airlock-ctl', ['audit', 'tail', '--json']);
  test.match(JSON.stringify(json), /code/, 'in the record');
  const code = locationOf(await submit(port, page, letters)).get('code') ?? '';
  const tokens = (await redeem(port, { clientId, code })).json as TokenAnswer;
  const { tool } = await connectClient(test, httpTransport(new URL(served.http), tokens.access_token), REVISIONS[0]);
  test.match((await tool('airlock_status')).structured, { role: 'default' });
});

t.test('a port in use is said, with what to do', async (test) => {
  const { port } = new URL(served.http);
  const { status, json } = await running.command('airlock', ['mcp', '--http', port, '--json']);
  test.equal(status, 5);
  test.match(json, { error: { code: 'UNAVAILABLE', message: /EADDRINUSE/, hint: /0 for any free one/ } });
  for (const bad of ['x', '65536', '-1', '80.5']) {
    test.match(await running.command('airlock', ['mcp', `--http=${bad}`, '--json']), {
      status: 2,
      json: { error: { field: '--http' } },
    });
  }
  test.match(await running.command('airlock', ['mcp', '--token-file', 'x', '--json']), { status: 2 });
});

t.test('NET-10: SIGTERM releases what is held and ends with 0', async (test) => {
  const { tool } = await connectClient(test, httpTransport(new URL(served.http), token), REVISIONS[1]);
  const asked = await tool('airlock_request_access', { scopes: ['mail:read'], reason: 'read mail' });
  await approveFront(running);
  await tool('airlock_wait', { request: asked.structured['request'] });
  const leases = async (): Promise<number> => {
    const { json } = await running.command('airlock-ctl', ['status', '--json']);
    return (json as { leases: number }).leases;
  };
  test.equal(await leases(), 1, 'negative control');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  test.equal(await ended, 0);
  test.equal(await leases(), 0);
});
