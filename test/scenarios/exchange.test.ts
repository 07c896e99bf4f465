// An agent watches a long call, is asked something in the middle, and cancels another: client library, real daemons.
import { connectAirlock, type Airlock } from '@airlock/client';
import { addFixture, approveFront, startWithFixture, until, type Configured } from '@airlock/testkit';
import type { Json } from '@airlock/protocol';
import t from 'tap';

let running: Configured;
let airlock: Airlock;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  airlock = await connectAirlock({ socket: running.sockets['agent/default'] });
  const onPending = (): void => void approveFront(running);
  await airlock.requestAccess({ scopes: ['fixture:read'], reason: 'watch a long call', onPending });
});
t.teardown(async () => {
  await airlock.close();
  await running.stop();
});

const mcp = { revision: '2025-11-25', progress: true, capabilities: { roots: {} } } as const;
const talk = (script: readonly object[]): { readonly script: Json } => ({ script: script as Json });

t.test('progress comes while the call runs, and what the service asks is answered', async (t) => {
  const told: Json[] = [];
  const onAsk = (method: string): Promise<Json> => Promise.resolve({ roots: [{ uri: 'file:///work', name: method }] });
  const script = [
    { notify: 'notifications/progress', params: { progress: 1, total: 2 } },
    { ask: 'roots/list' },
    { notify: 'notifications/progress', params: { progress: 2, total: 2 } },
  ];
  const exchange = { mcp, onNotify: (_: string, params: Json) => void told.push(params), onAsk };
  const { result } = await airlock.call('fixture', 'talk', talk(script), { exchange });
  t.match(told, [{ progress: 1 }, { progress: 2 }]);
  t.match(result, { said: [null, [{ roots: [{ name: 'roots/list' }] }], null], mcp });
  t.match(await airlock.status(), { tainted: true }, 'what a service says is what others wrote');
});

t.test('a signal cancels any call, also one that nobody talks with', async (t) => {
  const controller = new AbortController();
  const answer = airlock.call('fixture', 'hang', {}, { signal: controller.signal });
  answer.catch(() => undefined);
  await airlock.call('fixture', 'echo', { text: 'behind it' });
  controller.abort();
  await t.rejects(answer, { code: 'UNAVAILABLE', message: 'the call was cancelled' });
  t.match(await airlock.call('fixture', 'echo', { text: 'on' }), { result: { text: 'on' } });
});

t.test('what a service says outside calls reaches the session of its lease', async (t) => {
  const said: unknown[] = [];
  airlock.events.on('service.event', (event) => said.push(event));
  await airlock.call('fixture', 'talk', talk([{ emit: 'notifications/tools/list_changed' }]));
  await until('the event', () => said.length === 1);
  t.match(said, [{ service: 'fixture', event: { notify: { method: 'notifications/tools/list_changed' } } }]);
});
