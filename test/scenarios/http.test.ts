// Declared HTTP services through the real daemons: added, asked for, approved, called by agents and over MCP.
import {
  approveFront,
  checkout,
  closeServer,
  obtainLease,
  openSession,
  startTestInstance,
  startWeatherDouble,
  type AgentSession,
  type Running,
  type WeatherDouble,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';

const TOKEN = 'tok-4711-of-the-test';

let running: Running;
let weather: WeatherDouble;
let json: Server;
let sink: Server;
const seen: { readonly url: string; readonly authorization: string }[] = [];
let sunk = 0;
let steppedUp = 0;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** What the server for http_get_json answers by path. */
const pages = (path: string): { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } => {
  if (path === '/moved') return { status: 302, headers: { location: '/a' } };
  if (path === '/out') return { status: 302, headers: { location: `http://127.0.0.1:${portOf(sink)}/a` } };
  if (path === '/a') return { status: 200, body: JSON.stringify({ a: [1, { b: 'ü' }], echo: TOKEN }) };
  return { status: 404, body: '{"error":"words of the server"}' };
};

/** TAINT-6: what was read on the web taints, and then every call to the outside needs a code of its own. */
const withCode = async (agent: AgentSession, call: Promise<CallResult>): Promise<CallResult> => {
  try {
    return await call;
  } catch (thrown) {
    const { code, data } = thrown as AirlockError;
    if (code !== 'APPROVAL_PENDING') throw thrown;
    steppedUp += 1;
    await approveFront(running);
    await agent.call('access.wait', { request: data.request, timeoutS: 10 });
    return outcome(agent, data.request ?? '');
  }
};

/** What became of a call once it was approved. */
const outcome = async (agent: AgentSession, request: string): Promise<CallResult> => {
  for (;;) {
    try {
      return await agent.call<CallResult>('call.result', { request });
    } catch (thrown) {
      if ((thrown as AirlockError).code !== 'APPROVAL_PENDING') throw thrown;
    }
  }
};

const addService = (args: readonly string[], stdin = ''): ReturnType<Running['command']> =>
  running.command('airlock-ctl', ['service', 'add', ...args, '--json'], { stdin: `${stdin}${running.freshCode()}\n` });

t.before(async () => {
  weather = await startWeatherDouble();
  json = createServer((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' });
    const { status, headers, body } = pages(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  });
  sink = createServer((_, response) => response.end('{}')).on('connection', () => (sunk += 1));
  await Promise.all([listen(json), listen(sink)]);
  running = await startTestInstance({ cells: 8 });
});
t.teardown(async () => {
  await running.stop();
  await Promise.all([weather.close(), closeServer(json), closeServer(sink)]);
});

t.test(
  'services are added with their settings and tried; a wrong list of domains is refused before anything is asked',
  async (t) => {
    const wrong = await running.command('airlock-ctl', [
      'service',
      'add',
      'http-json',
      '--set',
      'domains=a.example/v1',
      '--json',
    ]);
    t.equal(wrong.status, 2);
    t.match(wrong.json, { error: { code: 'PARAMS_INVALID', field: /domains/ } });
    const domains = `domains=http://127.0.0.1:${portOf(json)}`;
    t.match(await addService(['open-meteo', '--name', 'weather', '--set', `origin=${weather.origin}`]), { status: 0 });
    t.equal(weather.asked.length, 1, 'the probe');
    t.match(await addService(['http-json', '--name', 'web', '--set', `${domains}, api.example.org`]), { status: 0 });
    t.match(await addService(['http-json', '--name', 'api', '--set', domains, '--stdin'], `${TOKEN}\n`), { status: 0 });
    const list = await running.command('airlock-ctl', ['service', 'list', '--json']);
    t.match(list.json, [{ service: 'api' }, { service: 'weather' }, { service: 'web' }]);
    t.match(list.stdout, /api\.example\.org/);
  },
);

t.test('an agent reads the weather and JSON; what lies outside is refused', async (t) => {
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['weather:read', 'web:read', 'api:read']);
  const call = (service: string, operation: string, params: object): Promise<CallResult> =>
    withCode(agent, agent.call<CallResult>('call', { lease, service, operation, params }));
  const refusal = async (service: string, params: object): Promise<AirlockError['data']> => {
    try {
      await call(service, 'get_json', params);
    } catch (thrown) {
      return (thrown as AirlockError).data;
    }
    throw new Error('nothing was refused');
  };

  const forecast = await call('weather', 'weather_hourly', { latitude: 52.52, longitude: 13.405, hours: 3 });
  t.match(forecast.result, {
    latitude: 52.52,
    hours: [{ time: '2026-11-20T13:00:00Z', temperature_c: 9.8, precipitation_mm: 9.1, wind_kmh: 9.8, weather_code: 61 }, {}, {}],
  });
  t.equal((forecast.result as { hours: unknown[] }).hours.length, 3);
  t.equal(steppedUp, 0, 'the first call needs the lease alone');
  const long = await call('weather', 'weather_hourly', { latitude: 52.52, longitude: 13.405, hours: 168 });
  t.match(long.result, { hours: { length: 168, 167: { precipitation_percent: null } } });

  const base = `http://127.0.0.1:${portOf(json)}`;
  const got = await call('web', 'get_json', { url: `${base}/moved` });
  t.same(got.result, { url: `${base}/a`, json: { a: [1, { b: 'ü' }], echo: TOKEN } });
  t.match(await refusal('web', { url: `${base}/none` }), { code: 'NOT_FOUND', found: 'status_404' });
  t.match(await refusal('web', { url: `http://127.0.0.1:${portOf(sink)}/a` }), { code: 'PARAMS_INVALID', field: 'params.url' });
  t.match(await refusal('web', { url: `${base}/out` }), { code: 'UPSTREAM_REFUSED', found: 'redirect_refused' });
  t.match(await refusal('web', { url: `${base}/a`, method: 'POST' }), { code: 'PARAMS_INVALID' });
  t.equal(sunk, 0, 'nothing reached the other port');
  t.ok(steppedUp >= 3, 'every later one a code of its own');

  t.ok(
    seen.every(({ authorization }) => authorization === ''),
    'no token without one',
  );
  const masked = await call('api', 'get_json', { url: `${base}/a` });
  t.equal(seen.at(-1)?.authorization, `Bearer ${TOKEN}`);
  t.notMatch(JSON.stringify(masked), TOKEN, 'a server that echoes the token does not hand it out');
  agent.close();
});

t.test('the MCP tools have their names', async (t) => {
  const client = new Client({ name: 'test', version: '1' });
  const args = [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: { ...running.env }, stderr: 'ignore' }));
  t.teardown(() => client.close());
  const names = (await client.listTools()).tools.map(({ name }) => name);
  t.ok(names.includes('airlock_http_get_json') && names.includes('airlock_weather_hourly'), names.join(' '));
  const tool = async (name: string, given: Record<string, unknown>): Promise<Record<string, unknown>> =>
    ((await client.callTool({ name, arguments: given })).structuredContent ?? {}) as Record<string, unknown>;
  const asked = await tool('airlock_request_access', { scopes: ['weather:read', 'web:read'], reason: 'the weather' });
  await approveFront(running);
  t.match(await tool('airlock_wait', { request: asked['request'] }), { status: 'approved' });
  // The role has read what others wrote within the hour, so this session begins tainted.
  const stepped = async (name: string, given: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const { error } = (await tool(name, given)) as { error?: { code: string; request: string } };
    t.equal(error?.code, 'APPROVAL_PENDING', name);
    await approveFront(running);
    for (;;) {
      const answer = await tool('airlock_result', { request: error?.request });
      // Approved, and its cell is at work.
      if ((answer as { error?: { code: string } }).error?.code !== 'APPROVAL_PENDING') return answer;
    }
  };
  const forecast = await stepped('airlock_weather_hourly', { latitude: 52.52, longitude: 13.405, hours: 1 });
  t.match(forecast, { result: { hours: [{ time: '2026-11-20T13:00:00Z' }] } });
  const got = await stepped('airlock_http_get_json', { url: `http://127.0.0.1:${portOf(json)}/a`, service: 'web' });
  t.match(got, { result: { json: { a: [1, { b: 'ü' }] } } });
});
