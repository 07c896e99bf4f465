/** Every hostile calendar of the testkit against the connector: its code or its answer, in bounded time and memory. */
import { createServer } from 'node:net';
import type { Json } from '@airlock/protocol';
import { HOSTILE_CALENDAR, serveCaldav, type HostileFixture } from '@airlock/testkit';
import t from 'tap';
import { AirlockError } from '@airlock/protocol';
import { openSession } from '../src/index.js';
import { addressContext, caldavContext } from './context.js';

type Ending = { readonly code: string } | { readonly result: Json };

const MAX_CPU_MS = 8000;
/** Over what the process had before: the texts themselves are made here too. */
const MAX_GROWTH_BYTES = 300 * 1024 * 1024;

const listen = async (fixture: HostileFixture): Promise<{ readonly port: number; readonly close: () => void }> => {
  const server = createServer((socket) => fixture.connection(socket, 0));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, close: () => server.close() };
};

const attack = async (fixture: HostileFixture): Promise<Ending> => {
  const { port, close } = await listen(fixture);
  const url = `http://127.0.0.1:${port}/${fixture.kind === 'ics' ? 'a.ics' : ''}`;
  const session = await openSession(fixture.kind === 'ics' ? addressContext(url) : caldavContext(url));
  try {
    const context = { signal: AbortSignal.timeout(30_000), constraints: {} };
    return { result: (await session.execute(fixture.operation, fixture.params, context)).result };
  } catch (thrown) {
    return { code: thrown instanceof AirlockError ? thrown.code : String(thrown) };
  } finally {
    await session.close();
    close();
  }
};

const judge = ({ expect }: HostileFixture, ending: Ending): string | null => {
  if ('code' in expect) {
    const found = 'code' in ending ? ending.code : `an answer: ${JSON.stringify(ending.result).slice(0, 200)}`;
    return found === expect.code ? null : `${expect.code} wanted, found ${found}`;
  }
  return 'code' in ending ? `an answer wanted, found ${ending.code}` : expect.result(ending.result);
};

/** CAL-1 CAL-2 CAL-3 CAL-6 CAL-7 CAL-8 CAL-9 CAL-11 CAL-13 CAL-16 CAL-17 CAL-18 */
t.setTimeout(200_000);

for (const fixture of HOSTILE_CALENDAR)
  t.test(fixture.name, { timeout: 60_000 }, async (t) => {
    const before = { cpu: process.cpuUsage(), rss: process.memoryUsage().rss };
    t.equal(judge(fixture, await attack(fixture)), null);
    const { user } = process.cpuUsage(before.cpu);
    t.ok(user < MAX_CPU_MS * 1000, `${Math.round(user / 1000)} ms of processor time`);
    const grown = process.memoryUsage().rss - before.rss;
    t.ok(grown < MAX_GROWTH_BYTES, `${Math.round(grown / 2 ** 20)} MiB more`);
  });

t.test('a harmless server (negative control: the judge finds fault with it)', async (t) => {
  const harmless: HostileFixture = {
    ...{
      name: 'harmless',
      kind: 'caldav',
      operation: 'range',
      params: { from: '2025-03-28', to: '2025-03-28' },
      upstream: 'either',
    },
    connection: (socket) => serveCaldav(socket, { calendars: { '/ada/work/': {} } }),
    expect: { code: 'UPSTREAM_REFUSED' },
  };
  t.match(judge(harmless, await attack(harmless)), /^UPSTREAM_REFUSED wanted, found an answer/);
});

t.test('names are unique and there are enough', async (t) => {
  t.equal(new Set(HOSTILE_CALENDAR.map(({ name }) => name)).size, HOSTILE_CALENDAR.length);
  t.ok(HOSTILE_CALENDAR.length >= 30);
});
