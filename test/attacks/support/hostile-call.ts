/** One hostile call through the whole house, and what has to be true around it. */
import { AirlockError, type CallResult } from '@airlock/protocol';
import { until, type HostileFixture, type HostileKind } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { cellPeakBytes, lease, openHouse, openSwitch, type House, type Switch } from './hostile.js';

/** Half of what the unit allows (MemoryMax=384M): a cell that needs more is on its way to being killed. */
const MAX_CELL_BYTES = 256 * 1024 * 1024;
/** What another client may feel, on a machine with other work. */
const MAX_NEIGHBOUR_MS = 3000;

type Ending = { readonly code: string } | { readonly result: CallResult['result'] };

const call = async (house: House, text: string, service: string, fixture: HostileFixture, port: number): Promise<Ending> => {
  try {
    const { operation } = fixture;
    const params = JSON.parse(JSON.stringify(fixture.params).replaceAll('PORT', String(port))) as HostileFixture['params'];
    const answer = await house.attacked.call<CallResult>('call', { lease: text, service, operation, params });
    return { result: answer.result };
  } catch (thrown) {
    return { code: thrown instanceof AirlockError ? thrown.code : String(thrown) };
  }
};

/** What is wrong with how the call ended; null where nothing is. */
const judge = (fixture: HostileFixture, ending: Ending): string | null => {
  if ('code' in fixture.expect) {
    const found = 'code' in ending ? ending.code : `an answer: ${JSON.stringify(ending.result).slice(0, 200)}`;
    return found === fixture.expect.code ? null : `${fixture.expect.code} wanted, found ${found}`;
  }
  return 'code' in ending ? `an answer wanted, found ${ending.code}` : fixture.expect.result(ending.result);
};

const isClosed = ({ sockets }: Switch): boolean => sockets.every((socket) => socket.destroyed || socket.readableEnded);

const upstreamProblem = async (fixture: HostileFixture, upstream: Switch): Promise<string | null> => {
  if (upstream.sockets.length === 0) return 'the upstream was never asked';
  if (fixture.upstream === 'closed')
    return until('close', () => isClosed(upstream), 3000).then(
      () => null,
      () => 'the connection to the upstream is still open',
    );
  return fixture.upstream === 'kept' && isClosed(upstream) ? 'the connection to the upstream was closed' : null;
};

interface Outcome {
  readonly problems: readonly string[];
  readonly peakBytes: number;
}

const attack = async (house: House, service: string, upstream: Switch, fixture: HostileFixture): Promise<Outcome> => {
  upstream.set(fixture);
  const text = await lease(house.running, house.attacked, service);
  const [ending, during] = await Promise.all([call(house, text, service, fixture, upstream.port), house.neighbour()]);
  const problems = [judge(fixture, ending), await upstreamProblem(fixture, upstream)];
  const peakBytes = cellPeakBytes(house.running);
  if (peakBytes > MAX_CELL_BYTES) problems.push(`a cell took ${Math.round(peakBytes / 2 ** 20)} MiB`);
  const after = await house.neighbour();
  if (Math.max(during, after) > MAX_NEIGHBOUR_MS) problems.push(`the neighbour waited ${Math.round(Math.max(during, after))} ms`);
  await house.attacked.call('access.release', { lease: text });
  return { problems: problems.filter((one) => one !== null), peakBytes };
};

/** The zone that the calendar fixtures are written for. */
const BERLIN = 'time_zone=Europe/Berlin';

/** Settings and secrets of a service of each kind that leads to a port. */
const SERVICES: Readonly<Record<HostileKind, (port: number) => { settings: readonly string[]; secrets: readonly string[] }>> = {
  imap: (port) => ({ settings: ['host=127.0.0.1', `port=${port}`, 'security=none', 'user=ada'], secrets: ['pass word'] }),
  caldav: (port) => ({ settings: [`url=http://127.0.0.1:${port}/`, 'user=ada', BERLIN], secrets: ['correct-horse'] }),
  ics: (port) => ({ settings: [`url=http://127.0.0.1:${port}/calendar.ics`, BERLIN], secrets: [] }),
  'http-json': (port) => ({ settings: [`domains=http://127.0.0.1:${port}`], secrets: [''] }),
};

const addService = (house: House, kind: HostileKind, name: string, port: number): Promise<void> => {
  const { settings, secrets } = SERVICES[kind](port);
  return house.add(kind, name, settings, secrets);
};

/** Lets a call run beside the others that ends only by a deadline. @returns when it was judged */
const startLate = async (t: Test, house: House, service: string, fixture: HostileFixture): Promise<Promise<void>[]> => {
  const upstream = await openSwitch();
  t.teardown(() => upstream.close());
  upstream.set(fixture);
  await addService(house, fixture.kind, service, upstream.port);
  const text = await lease(house.running, house.attacked, service);
  const ended = call(house, text, service, fixture, upstream.port);
  // The clock moves with the next approval, and a cell that is being opened would be too late by it.
  await until('a connection to the upstream', () => upstream.sockets.length > 0);
  return [
    ended
      .then(async (ending) =>
        t.same([judge(fixture, ending), await upstreamProblem(fixture, upstream)], [null, null], fixture.name),
      )
      .then(() => undefined),
  ];
};

/** Runs all fixtures, one after the other but for those that end by a deadline. `control` must be found fault with. */
export const attackAll = (title: string, fixtures: readonly HostileFixture[], control: HostileFixture): void => {
  t.setTimeout(300_000);
  t.test(title, { timeout: 300_000 }, async (t) => {
    const house = await openHouse();
    t.teardown(() => house.stop());
    const upstream = await openSwitch();
    t.teardown(() => upstream.close());
    for (const kind of new Set(fixtures.map(({ kind }) => kind))) await addService(house, kind, kind, upstream.port);
    const late: Promise<void>[] = [];
    for (const [index, fixture] of fixtures.filter(({ slow }) => slow === true).entries())
      late.push(...(await startLate(t, house, `slow${index}`, fixture)));
    for (const fixture of fixtures.filter(({ slow }) => slow !== true)) {
      t.test(fixture.name, async (t) => {
        const { problems, peakBytes } = await attack(house, fixture.kind, upstream, fixture);
        t.same(problems, []);
        t.comment(`${Math.round(peakBytes / 2 ** 20)} MiB at most`);
      });
    }
    t.test('those that end by a deadline', () => Promise.all(late));
    // Last: what it answers taints the session, and then calls to the outside need a code each (TAINT-6).
    t.test('a harmless server (negative control)', async (t) => {
      const { problems } = await attack(house, control.kind, upstream, control);
      t.match(problems[0], /wanted, found an answer/, 'the judge finds fault with it');
    });
  });
};
