// The whole of Airlock before the fixture: real daemons, a cell, an approval with a code, and `airlock mcp --http`.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { approveFront, checkout, startTestInstance, type Running } from '@airlock/testkit';
import { serveHttp, type Served } from './fixture/http.js';
import { Fixture } from './fixture/server.js';

const SERVICE = 'fixture';
const PROGRAM = join(checkout, 'dist/lib/airlock.cjs');
const MAIN = fileURLToPath(new URL('fixture/main.js', import.meta.url));

/** How Airlock reaches the fixture: at its address, or as a program that it starts. */
export type Upstream = 'url' | 'program';

export interface Behind {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const addService = async (running: Running, upstream: Upstream, url: string): Promise<void> => {
  const where = upstream === 'url' ? ['--url', url, '--set', 'openWorld=no'] : [];
  const command = upstream === 'url' ? [] : ['--', process.execPath, MAIN];
  const args = ['service', 'add', 'mcp', '--name', SERVICE, ...where, '--set', 'codes=shown', '--json', ...command];
  const added = await running.command('airlock-ctl', args, { stdin: `${running.freshCode()}\n` });
  if (added.status !== 0) throw new Error(`service add: ${added.stdout}${added.stderr}`);
};

const serveMcp = async (running: Running): Promise<{ child: ChildProcess; http: string; token: string }> => {
  const child = spawn(process.execPath, [PROGRAM, 'mcp', '--http', '0', '--json'], {
    env: running.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string>((resolve) => lines.once('line', resolve));
  const { http, tokenFile } = JSON.parse(line) as { http: string; tokenFile: string };
  return { child, http, token: readFileSync(tokenFile, 'utf8').trim() };
};

const obtainLease = async (running: Running, url: string): Promise<void> => {
  const client = new Client({ name: 'harness', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const ask = { scopes: [`${SERVICE}:read`], reason: 'conformance', ttl_minutes: 60 };
  const asked = await client.callTool({ name: 'airlock_request_access', arguments: ask });
  await approveFront(running);
  const { request } = asked.structuredContent as { request: string };
  const { structuredContent } = await client.callTool({ name: 'airlock_wait', arguments: { request } });
  if ((structuredContent as { status?: string }).status !== 'approved') throw new Error(JSON.stringify(structuredContent));
  await client.close();
};

/** The suite sends no credential, so one is added on the way; Host and Origin stay, but for the port, which is what a client of ours sends. */
const withBearer = async (target: string, token: string): Promise<Behind> => {
  const { port } = new URL(target);
  let own = '';
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const renamed = Object.entries(incoming.headers).map(([name, value]) => {
      const isAddress = (name === 'host' || name === 'origin') && typeof value === 'string';
      return [name, isAddress ? value.replace(new RegExp(`:${own}$`), `:${port}`) : value] as const;
    });
    const headers = { ...Object.fromEntries(renamed), authorization: `Bearer ${token}` };
    const upstream = httpRequest({ host: '127.0.0.1', port, path: incoming.url, method: incoming.method, headers });
    upstream.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  };
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = String((server.address() as AddressInfo).port);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://localhost:${own}`, close };
};

const fixtureAt = async (upstream: Upstream): Promise<Served | null> => {
  if (upstream === 'program') return null;
  const fixture = new Fixture();
  const served = await serveHttp(fixture.create);
  fixture.notifier = served.notify;
  return served;
};

/** @returns the address of the service's endpoint, with access already obtained */
export const serveAirlock = async (upstream: Upstream): Promise<Behind> => {
  const fixture = await fixtureAt(upstream);
  const running = await startTestInstance();
  await addService(running, upstream, fixture?.url ?? '');
  const { child, http, token } = await serveMcp(running);
  const proxy = await withBearer(http, token);
  await obtainLease(running, `${proxy.url}/mcp`);
  const close = async (): Promise<void> => {
    await proxy.close();
    child.kill('SIGKILL');
    await running.stop();
    await fixture?.close();
  };
  return { url: `${proxy.url}/mcp/${SERVICE}`, close };
};
