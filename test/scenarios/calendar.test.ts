// Calendars through the real daemons: a file, an address and a CalDAV account are added, asked for, approved, called, also over MCP.
import {
  approveFront,
  checkout,
  obtainLease,
  openSession,
  refusalOf,
  startCaldavDouble,
  startTestInstance,
  type CaldavDouble,
  type Running,
} from '@airlock/testkit';
import { connectAirlock } from '@airlock/client';
import type { CallResult } from '@airlock/protocol';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const PASSWORD = 'correct-horse';
const ICS = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'BEGIN:VEVENT',
  'UID:a',
  'DTSTART:20250328T100000Z',
  'DURATION:PT1H',
  'RRULE:FREQ=DAILY;COUNT=5',
  'SUMMARY:Stand-up',
  `DESCRIPTION:${PASSWORD}`,
  'END:VEVENT',
  'END:VCALENDAR',
  '',
].join('\r\n');
const WINDOW = { from: '2025-03-29', to: '2025-03-29', time_zone: 'Europe/Berlin' };
const SHOWN = { title: 'Stand-up', start: '2025-03-29T11:00:00+01:00', end: '2025-03-29T12:00:00+01:00' };

let running: Running;
let caldav: CaldavDouble;
let address: CaldavDouble;

const add = (args: readonly string[], stdin = ''): ReturnType<Running['command']> =>
  running.command('airlock-ctl', ['service', 'add', ...args, '--stdin', '--json'], { stdin: `${stdin}${running.freshCode()}\n` });

t.before(async () => {
  caldav = await startCaldavDouble({ calendars: { '/ada/work/': { 'a.ics': ICS } } });
  address = await startCaldavDouble({ answer: () => ({ status: 200, headers: { 'content-type': 'text/calendar' }, body: ICS }) });
  running = await startTestInstance({ cells: 6 });
  writeFileSync(join(running.dir, 'a.ics'), ICS);
});
t.teardown(async () => {
  await running.stop();
  await caldav.close();
  await address.close();
});

t.test('a wrong password is found out before anything is stored', async (t) => {
  const { status, json } = await add(['caldav', '--set', `url=${caldav.url}/`, '--set', 'user=ada'], 'wrong\n');
  t.not(status, 0);
  t.match(json, { error: { code: 'UPSTREAM_REFUSED', found: 'bad_credentials' } });
});

t.test('added, asked for, approved, called', async (t) => {
  t.match(await add(['ics-file', '--set', `path=${join(running.dir, 'a.ics')}`]), { status: 0 });
  t.match(await add(['ics', '--set', `url=${address.url}/a.ics`]), { status: 0 });
  t.match(await add(['caldav', '--set', `url=${caldav.url}/`, '--set', 'user=ada'], `${PASSWORD}\n`), { status: 0 });
  const agent = await openSession(running);
  for (const service of ['ics-file', 'ics', 'caldav']) {
    const { lease } = await obtainLease(running, agent, [`${service}:read`]);
    const call = (operation: string, params: object): Promise<CallResult> =>
      agent.call<CallResult>('call', { lease, service, operation, params });
    const { result } = await call('range', WINDOW);
    const [found] = (result as { readonly events: readonly { readonly id: string; readonly description: string }[] }).events;
    t.match(found, SHOWN, service);
    t.equal(found?.description === PASSWORD, service !== 'caldav', 'only the credential of the service itself is masked');
    t.match(await call('get_event', { id: found?.id ?? '', time_zone: 'Europe/Berlin' }), {
      result: { ...SHOWN, recurrence: /FREQ=DAILY/ },
    });
    t.equal(await refusalOf(call('range', { from: 'x', to: 'y' })), 'PARAMS_INVALID');
    await agent.call('access.release', { lease });
  }
  agent.close();
  t.same([...new Set(caldav.requests.map(({ method }) => method))].sort(), ['PROPFIND', 'REPORT']);
});

t.test('the agents library has typed handles', async (t) => {
  const airlock = await connectAirlock({ env: { ...running.env } });
  const access = await airlock.requestAccess({
    scopes: ['caldav:read'],
    reason: 'plan',
    onPending: () => void approveFront(running),
  });
  const { events, truncated } = await access.caldav.range(WINDOW);
  t.match(events, [SHOWN]);
  t.equal(truncated, false);
  t.match(await access.caldav.listCalendars(), { calendars: [{ id: '/ada/work/', name: 'work' }] });
  await access.release();
  await airlock.close();
});

t.test('over MCP', async (t) => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'],
      env: { ...running.env },
      stderr: 'ignore',
    }),
  );
  t.teardown(() => client.close());
  const names = (await client.listTools()).tools.map(({ name }) => name);
  for (const name of [
    'list_calendars',
    'calendar_today',
    'calendar_upcoming',
    'calendar_range',
    'calendar_search',
    'calendar_get',
  ])
    t.ok(
      names.some((one) => one.startsWith('airlock_') && one.endsWith(name)),
      `${name} among ${names.join(' ')}`,
    );
});
