/** HTTP-4: what is read of an answer; hostile documents; the manifests against their schemas. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HOSTILE_HTTP, startWeatherDouble } from '@airlock/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t from 'tap';
import { connector } from '../src/index.js';
import { openHttpSession } from '../src/session.js';
import { contextOf, manifestOf, NOTHING, refusal } from './context.js';

const json = manifestOf('http-json');
const SHORT = { limits: { idleTimeoutMs: 150, totalTimeoutMs: 400 } };

t.test('every hostile server and document gets its refusal through get_json', async (t) => {
  for (const { name, expect, slow, serve } of HOSTILE_HTTP.map((fixture) => ({ ...fixture, serve: () => fixture.serve() }))) {
    const served = await serve();
    const session = openHttpSession(contextOf(json, served.url), slow ? SHORT : {});
    const data = await refusal(() => session.execute('get_json', { url: served.url }, NOTHING));
    t.match(data, { ...expect }, name);
    t.notMatch(JSON.stringify(data), /__proto__|twice|surrogate|<html>/, 'in our own words');
    await session.close();
    while (served.open() > 0) await new Promise((resolve) => setImmediate(resolve));
    await served.close();
  }
});

t.test('a status is an answer of its own; a JSON type and a byte order mark are taken', async (t) => {
  const server = createServer(({ url = '' }, response) => {
    const [, status = '', type = ''] = url.split('/');
    response.writeHead(Number(status), { 'content-type': decodeURIComponent(type), 'retry-after': '7' });
    response.end('\ufeff{"words":"of the server"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = openHttpSession(contextOf(json, base));
  t.teardown(async () => {
    await session.close();
    server.close();
  });
  const ask = (path: string): ReturnType<typeof session.execute> =>
    session.execute('get_json', { url: `${base}${path}` }, NOTHING);
  for (const type of ['application/json', 'application/json; charset=utf-8', 'application/geo+json', 'text/json'])
    t.match(await ask(`/200/${encodeURIComponent(type)}`), { result: { json: { words: 'of the server' } }, count: 1 }, type);
  for (const type of ['', 'text/plain', 'application/jsonp', 'application/x-json'])
    t.match(await refusal(() => ask(`/200/${encodeURIComponent(type)}`)), { found: 'not_json' }, type);
  const statuses = {
    401: { code: 'UPSTREAM_REFUSED', found: 'bad_credentials' },
    403: { code: 'UPSTREAM_REFUSED', found: 'status_403' },
    404: { code: 'NOT_FOUND' },
    429: { code: 'RATE_LIMITED', retryAfterMs: 7000 },
    500: { code: 'UNAVAILABLE', found: 'status_500' },
    304: { code: 'UPSTREAM_REFUSED', found: 'status_304' },
  };
  for (const [status, expected] of Object.entries(statuses)) {
    const data = await refusal(() => ask(`/${status}/${encodeURIComponent('application/json')}`));
    t.match(data, expected, status);
    t.notMatch(JSON.stringify(data), 'words');
  }
  t.match(await refusal(() => session.execute('none', {}, NOTHING)), { code: 'OPERATION_UNKNOWN' });
});

t.test('the weather is what its schema says, and the probe asks once', async (t) => {
  const double = await startWeatherDouble();
  t.teardown(() => double.close());
  const context = contextOf(manifestOf('open-meteo'), double.origin);
  const session = await connector.open(context);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  const [operation] = context.manifest.operations;
  const check = ajv.compile(operation?.result ?? {});
  const { result, count } = await session.execute('weather_hourly', { latitude: -33.9, longitude: 151.2 }, NOTHING);
  t.ok(check(result), JSON.stringify(check.errors));
  t.equal(count, 24, 'the default');
  t.match(double.asked[0], /^\/v1\/forecast\?latitude=-33\.9&longitude=151\.2&hourly=.*&forecast_hours=24&timezone=GMT$/);
  t.match(await refusal(() => session.execute('weather_hourly', { latitude: 91, longitude: 0 }, NOTHING)), {
    found: 'status_400',
  });
  await session.close();
  await connector.test(context);
  t.equal(double.asked.length, 3);
  for (const kind of ['http-json', 'open-meteo']) {
    const { settings, operations } = manifestOf(kind);
    ajv.compile(settings);
    for (const { params, class: scope, untrusted } of operations) {
      ajv.compile(params);
      t.ok(scope === 'read' && untrusted, kind);
    }
  }
  const path = { ...contextOf(json, 'http://127.0.0.1:1'), destination: { kind: 'http-json', path: '/srv', user: '' } };
  t.match(await refusal(() => connector.open(path)), { code: 'CONFIG_INVALID' });
});
