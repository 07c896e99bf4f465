// Every typed tool that agents find by themselves, through the real daemons and the official client, which checks each answer
// by the tool's output schema: narrowed, run by name, under a lease from elsewhere, approved within the call, denied by policy.
import {
  addFixture,
  addMailbox,
  approveFront,
  checkout,
  closeServer,
  startDeliveries,
  startWeatherDouble,
  startWithFixture,
  type Configured,
  type Deliveries,
  type WeatherDouble,
} from '@airlock/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const ICS = [
  ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', 'UID:a', 'DTSTART:20250328T100000Z', 'DURATION:PT1H'],
  ...['RRULE:FREQ=DAILY;COUNT=5', 'SUMMARY:Stand-up', 'END:VEVENT', 'END:VCALENDAR', ''],
].join('\r\n');
const DAY = { from: '2025-03-29', to: '2025-03-29', time_zone: 'Europe/Berlin' };
const TYPED = [
  ...['airlock_list_emails', 'airlock_search_emails', 'airlock_get_email', 'airlock_count_unread'],
  ...['today', 'upcoming', 'range', 'search', 'get'].map((name) => `airlock_calendar_${name}`),
  ...['airlock_http_get_json', 'airlock_weather_hourly'],
];

type Structured = Record<string, unknown>;
interface Agent {
  readonly client: Client;
  readonly tool: (name: string, args?: Structured) => Promise<Structured>;
}

let running: Configured;
let weather: WeatherDouble;
let json: Server;
let deliveries: Deliveries;
let forms = 0;

const add = async (...args: string[]): Promise<void> => {
  const added = await running.command('airlock-ctl', ['service', 'add', ...args, '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
  if (added.status !== 0) throw new Error(added.stdout + added.stderr);
};

t.before(async () => {
  [weather, deliveries] = await Promise.all([startWeatherDouble(), startDeliveries()]);
  json = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{"answer": 42}'));
  await new Promise<void>((resolve) => json.listen(0, '127.0.0.1', resolve));
  running = await startWithFixture({ cells: 10, yaml: 'permissions:\n  allow: [write]\n' });
  await addMailbox(running);
  await addFixture(running, { port: deliveries.port });
  writeFileSync(join(running.dir, 'a.ics'), ICS);
  await add('ics-file', '--name', 'calendar', '--set', `path=${join(running.dir, 'a.ics')}`);
  await add('open-meteo', '--name', 'weather', '--set', `origin=${weather.origin}`);
  await add('http-json', '--name', 'web', '--set', `domains=http://127.0.0.1:${(json.address() as AddressInfo).port}`);
});
t.teardown(async () => {
  await running.stop();
  await Promise.all([weather.close(), deliveries.close(), closeServer(json)]);
});

/** An agent's client; at the newer revision it shows forms, and its human approves whatever is in front. */
const startAgent = async (test: Test, revision: '2025-11-25' | '2026-07-28'): Promise<Agent> => {
  const isModern = revision === '2026-07-28';
  const client = new Client(
    { name: 'test', version: '1' },
    isModern ? { versionNegotiation: { mode: { pin: revision } }, capabilities: { elicitation: { form: {} } } } : {},
  );
  if (isModern)
    client.setRequestHandler('elicitation/create', async () => {
      forms += 1;
      await approveFront(running);
      return { action: 'accept' };
    });
  const args = [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'];
  const env = { PATH: process.env['PATH'] ?? '', HOME: running.dir, ...running.env };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
  test.teardown(() => client.close());
  await client.listTools();
  const tool = async (name: string, given: Structured = {}): Promise<Structured> => {
    const { structuredContent } = await client.callTool({ name, arguments: given }, { timeout: 120_000 });
    return structuredContent as Structured;
  };
  return { client, tool };
};

t.test('approved within the call: every typed tool answers what its schema says', async (test) => {
  const { client, tool } = await startAgent(test, '2026-07-28');
  const names = (await client.listTools()).tools.map(({ name }) => name);
  for (const name of TYPED) test.ok(names.includes(name), name);
  const scopes = ['mail:read', 'calendar:read', 'weather:read', 'web:read', 'fixture:write'];
  test.match(await tool('airlock_request_access', { scopes, reason: 'a test' }), { status: 'approved' });
  test.equal(forms, 1, 'the form was shown, and the human approved while it stood there');
  const call = async (name: string, args: Structured = {}): Promise<Structured> => {
    const { result } = await tool(`airlock_${name}`, args);
    return result as Structured;
  };
  test.match(await call('weather_hourly', { latitude: 52.52, longitude: 13.405, hours: 3 }), { hours: Array });
  const url = `http://127.0.0.1:${(json.address() as AddressInfo).port}/a`;
  test.match(await call('http_get_json', { url }), { url, json: { answer: 42 } });
  const { messages } = (await call('list_emails', { limit: 2 })) as { messages: { id: string }[] };
  test.match(await call('search_emails', { from: 'acme' }), { messages: [{ subject: /Invoice/ }] });
  test.match(await call('get_email', { id: messages[0]?.id }), { id: messages[0]?.id });
  test.match(await call('count_unread'), { unread: 2 });
  for (const name of ['today', 'upcoming']) test.match(await call(`calendar_${name}`), { events: [] });
  const { events } = (await call('calendar_range', DAY)) as { events: { id: string; title: string }[] };
  test.match(events, [{ title: 'Stand-up' }]);
  test.match(await call('calendar_search', { ...DAY, text: 'stand' }), { events: [{ title: 'Stand-up' }] });
  test.match(await call('calendar_get', { id: events[0]?.id }), { title: 'Stand-up' });
  const before = forms;
  const delivered = await tool('airlock_fixture_deliver', { text: 'Hello', to: 'ada@example.org' });
  test.match(delivered, { service: 'fixture', operation: 'deliver', result: { delivered: true } });
  test.same(deliveries.lines, ['Hello'], 'once');
  test.equal(forms, before + 1, 'by an approval of its own');
  const status = await tool('airlock_status');
  test.match(status, { tainted: true, notes: [/tainted.*web\.get_json|tainted/] });
});

t.test('by the meta-tools at 2025-11-25, narrowed, and held by the gateway to what is left', async (test) => {
  const { tool } = await startAgent(test, '2025-11-25');
  const asked = await tool('airlock_request_access', { scopes: ['mail:read'], reason: 'a test' });
  test.match(asked, { status: 'pending', match: /^\d\d$/ });
  await approveFront(running);
  test.match(await tool('airlock_wait', { request: asked['request'] }), { status: 'approved' });
  test.match(await tool('search_tools', { query: 'unread' }), {
    tools: [{ service: 'mail', operation: 'count_unread', access: true }],
  });
  test.match(await tool('execute_tool', { service: 'mail', operation: 'count_unread' }), { result: { unread: 2 } });
  test.match(await tool('airlock_narrow_lease', { scopes: ['mail:read:count_unread'], calls: 2 }), {
    scopes: ['mail:read:count_unread'],
  });
  test.match(await tool('airlock_list_emails', { limit: 1 }), { error: { code: 'LEASE_SCOPE' } });
  test.match(await tool('airlock_count_unread'), { result: { unread: 2 } });
  test.match(await tool('airlock_count_unread'), { result: { unread: 2 } });
  test.match(await tool('airlock_count_unread'), { error: { code: 'LEASE_BUDGET' } });
  test.match(await tool('airlock_release'), { released: 1 });
  const { status, stdout } = await running.command('airlock-ctl', ['leases', '--json']);
  test.equal(status, 0, stdout);
});

t.test('a lease that a parent got by the command, narrowed, as _capability of one call', async (test) => {
  const { tool } = await startAgent(test, '2025-11-25');
  const asked = await running.command('airlock', ['request', 'mail', '--reason', 'for my helper', '--json']);
  test.equal(asked.status, 0, asked.stderr);
  await approveFront(running);
  const { request } = asked.json as { request: string };
  test.equal((await running.command('airlock', ['wait', request, '--json'])).status, 0);
  const narrowed = await running.command('airlock', ['lease', 'narrow', '--scope', 'mail:read:count_unread', '--json']);
  const { lease } = narrowed.json as { lease: string };
  test.match(lease, /^al1\./);
  test.match(await tool('airlock_count_unread', { _capability: lease }), { result: { unread: 2 } });
  test.match(await tool('airlock_count_unread'), { error: { code: 'LEASE_INVALID' } }, 'for that call alone');
  const beyond = await tool('airlock_list_emails', { limit: 1, _capability: lease });
  test.match(beyond, { error: { code: 'LEASE_SCOPE' } });
  test.notMatch(JSON.stringify(beyond), lease.slice(0, 40));
  test.match(await tool('airlock_count_unread', { _capability: `${lease.slice(0, -2)}AA` }), {
    error: { code: 'LEASE_INVALID' },
  });
});

t.test('what a policy denies always is in no list, and skills reach the agent', async (test) => {
  const { client, tool } = await startAgent(test, '2025-11-25');
  const rule = { id: 'no-search', decision: 'deny', services: ['mail'], operations: ['search'] };
  const policy = { ...{ id: 'calm', name: 'Calm', description: 'x', status: 'active', blocked_commands: [] }, rules: [rule] };
  running.edit(join('policies', 'calm.json'), JSON.stringify(policy));
  running.edit('airlock.yaml', 'permissions:\n  allow: [write]\npolicies:\n  "*": [calm]\n');
  const told = new Promise<void>((resolve) => client.setNotificationHandler('notifications/tools/list_changed', () => resolve()));
  const reloaded = await running.command('airlock-ctl', ['policy', 'reload', '--json']);
  test.equal(reloaded.status, 0, reloaded.stdout + reloaded.stderr);
  await told;
  const names = (await client.listTools()).tools.map(({ name }) => name);
  test.notOk(names.includes('airlock_search_emails'));
  test.ok(names.includes('airlock_list_emails'), 'negative control');
  const { tools } = (await tool('search_tools', { query: 'mail search' })) as { tools: { service: string; operation: string }[] };
  test.notOk(tools.some(({ service, operation }) => service === 'mail' && operation === 'search'));
  test.ok(tools.length > 0, 'negative control');
  const { services } = (await tool('list_services')) as { services: { service: string; names: string[] }[] };
  test.notOk(services.find(({ service }) => service === 'mail')?.names.includes('search'));
  test.match(await tool('execute_tool', { service: 'mail', operation: 'search' }), { error: { code: 'OPERATION_UNKNOWN' } });
  const skills = join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'skills');
  mkdirSync(skills, { mode: 0o755 });
  cpSync(join(checkout, 'docs/skills'), skills, { recursive: true });
  for (const file of ['mail-triage.md', 'week-planning.md']) chmodSync(join(skills, file), 0o644);
  test.match(await tool('activate_skill'), { skills: [{ name: 'mail-triage' }, { name: 'week-planning' }], problems: [] });
  const triage = (await tool('activate_skill', { name: 'mail-triage' })) as { advice: string; tools: { operation: string }[] };
  test.match(triage, { advice: /narrow it to the folders/, unmatched: [] });
  test.ok(triage.tools.some(({ operation }) => operation === 'list_messages'));
  test.match(await tool('activate_skill', { name: 'week-planning' }), { unmatched: [] });
});
