/** Cancelling a call, and talking while it runs, from the agent's side (docs/spec/exchange.md). */
import t, { type Test } from 'tap';
import { AirlockError, type CallParams, type ExchangeReply, type Json } from '@airlock/protocol';
import { connectAirlock, type Access, type CallChoice } from '../src/index.js';
import { fakeGateway, type FakeGateway } from './fake-gateway.js';

const MCP = { revision: '2025-11-25' } as const;

interface Scene {
  readonly gateway: FakeGateway;
  readonly access: Access<object>;
  /** Calls that reached the gateway, and the way to end each. */
  readonly calls: {
    readonly params: CallParams;
    readonly finish: (result: Json) => void;
    readonly fail: (error: Error) => void;
  }[];
  readonly call: (choice?: CallChoice) => Promise<unknown>;
  readonly until: (holds: () => boolean) => Promise<void>;
}

const startScene = async (t: Test): Promise<Scene> => {
  const gateway = await fakeGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  t.teardown(async () => {
    await airlock.close();
    await gateway.remove();
  });
  const calls: Scene['calls'] = [];
  gateway.answers.set(
    'call',
    (params: CallParams) =>
      new Promise((resolve, reject) => {
        calls.push({ params, finish: (result) => resolve({ result, meta: {} }), fail: reject });
      }),
  );
  const access = (await airlock.requestAccess({ scopes: ['gmail:read'], reason: 'a test' })) as Access<object>;
  const call = (choice: CallChoice = {}): Promise<unknown> => {
    const answer = access.call('gmail', 'list_messages', {}, choice);
    answer.catch(() => undefined);
    return answer;
  };
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turns = 0; turns < 20_000 && !holds(); turns += 1) await new Promise((resolve) => setImmediate(resolve));
    if (!holds()) throw new Error('it did not happen');
  };
  return { gateway, access, calls, call, until };
};

const channelOf = (params: CallParams | undefined): string => params?.context?.channel ?? '';

t.test('a call that nobody can cancel or talk with has no channel', async (t) => {
  const { call, calls, until } = await startScene(t);
  const answer = call();
  await until(() => calls.length === 1);
  t.notOk('context' in (calls[0]?.params ?? {}));
  calls[0]?.finish('done');
  t.match(await answer, { result: 'done' });
});

t.test('CLIENT-5: every other call has a channel of its own', async (t) => {
  const { call, calls, until } = await startScene(t);
  const { signal } = new AbortController();
  const answers = [call({ signal }), call({ signal }), call({ exchange: { mcp: MCP } })];
  await until(() => calls.length === 3);
  const names = calls.map(({ params }) => channelOf(params));
  t.equal(new Set(names).size, 3);
  for (const name of names) t.match(name, /^[A-Za-z0-9_-]{1,64}$/);
  t.same(calls[2]?.params.context?.mcp, MCP);
  for (const { finish } of calls) finish(null);
  await Promise.all(answers);
});

t.test('aborting the signal cancels the call, once, and its answer says what came of it', async (t) => {
  const { gateway, call, calls, until } = await startScene(t);
  const controller = new AbortController();
  const answer = call({ signal: controller.signal });
  await until(() => calls.length === 1);
  controller.abort();
  await until(() => gateway.calls('call.cancel').length === 1);
  t.same(gateway.calls('call.cancel'), [{ channel: channelOf(calls[0]?.params) }]);
  calls[0]?.fail(new AirlockError('OUTCOME_UNKNOWN', 'it may have happened'));
  await t.rejects(answer, { code: 'OUTCOME_UNKNOWN' }, 'the honest outcome, not the reason of the signal');
  const late = new AbortController();
  const done = call({ signal: late.signal });
  await until(() => calls.length === 2);
  calls[1]?.finish('done');
  await done;
  late.abort();
  await t.rejects(call({ signal: controller.signal }), { name: 'AbortError' }, 'nothing is sent where it was aborted before');
  t.equal(calls.length, 2);
  t.equal(gateway.calls('call.cancel').length, 1);
});

t.test('CLIENT-6: notices are told in order, questions are answered, and what throws becomes an error', async (t) => {
  const { gateway, call, calls, until } = await startScene(t);
  const told: unknown[] = [];
  const onAsk = async (method: string): Promise<Json> => {
    if (method === 'roots/list') return { roots: [] };
    if (method === 'elicitation/create') throw Object.assign(new Error('the user said no'), { code: -1, data: { why: 'no' } });
    throw new Error('out of order');
  };
  const answer = call({ exchange: { mcp: MCP, onNotify: (method, params) => told.push([method, params]), onAsk } });
  await until(() => calls.length === 1);
  const channel = channelOf(calls[0]?.params);
  const tell = (event: object, to = channel): void =>
    gateway.notify({ method: 'call.event', params: { channel: to, event: event as never } });
  tell({ notify: { method: 'notifications/progress', params: { progress: 1 } } });
  tell({ notify: { method: 'notifications/progress', params: { progress: 9 } } }, 'another');
  tell({ notify: { method: 'notifications/progress', params: { progress: 2 } } });
  tell({ ask: 'a1', method: 'roots/list', params: {} });
  tell({ ask: 'a2', method: 'elicitation/create', params: {} });
  tell({ ask: 'a3', method: 'sampling/createMessage', params: {} });
  await until(() => gateway.calls('call.reply').length === 3);
  t.same(told, [
    ['notifications/progress', { progress: 1 }],
    ['notifications/progress', { progress: 2 }],
  ]);
  const replies = new Map((gateway.calls('call.reply') as ExchangeReply[]).map((reply) => [reply.ask, reply]));
  t.same(replies.get('a1'), { channel, ask: 'a1', result: { roots: [] } });
  t.same(replies.get('a2'), { channel, ask: 'a2', error: { code: -1, message: 'the user said no', data: { why: 'no' } } });
  t.same(replies.get('a3'), { channel, ask: 'a3', error: { code: -32603, message: 'out of order' } });
  calls[0]?.finish(null);
  await answer;
});

t.test('CLIENT-6: nobody to ask is an error at once, and nothing is replied after the end', async (t) => {
  const { gateway, call, calls, until } = await startScene(t);
  const answer = call({ exchange: { mcp: MCP } });
  await until(() => calls.length === 1);
  gateway.notify({
    method: 'call.event',
    params: { channel: channelOf(calls[0]?.params), event: { ask: 'a1', method: 'roots/list', params: {} } },
  });
  await until(() => gateway.calls('call.reply').length === 1);
  t.match(gateway.calls('call.reply'), [{ error: { code: -32601 } }]);
  calls[0]?.finish(null);
  await answer;
  let asked: AbortSignal | null = null;
  let reply: (value: Json) => void = () => undefined;
  const slow = call({
    exchange: {
      mcp: MCP,
      onAsk: (_method, _params, { signal }) => ((asked = signal), new Promise<Json>((resolve) => (reply = resolve))),
    },
  });
  await until(() => calls.length === 2);
  gateway.notify({
    method: 'call.event',
    params: { channel: channelOf(calls[1]?.params), event: { ask: 'a1', method: 'roots/list', params: {} } },
  });
  await until(() => asked !== null);
  calls[1]?.finish(null);
  await slow;
  t.equal((asked as AbortSignal | null)?.aborted, true);
  reply({ roots: [] });
  await until(() => true);
  t.equal(gateway.calls('call.reply').length, 1);
});

t.test('a call that was talked with is not sent again after a lost connection; one with a signal alone is', async (t) => {
  const { gateway, call, calls, until } = await startScene(t);
  const talking = call({ exchange: { mcp: MCP } });
  const reading = call({ signal: new AbortController().signal });
  await until(() => calls.length === 2);
  await gateway.restart();
  await t.rejects(talking, { code: 'OUTCOME_UNKNOWN' });
  await until(() => calls.length === 3);
  calls[2]?.finish('again');
  t.match(await reading, { result: 'again' });
  t.equal(channelOf(calls[2]?.params), channelOf(calls[1]?.params));
});

t.test('what a service says outside calls is an event of the session', async (t) => {
  const { gateway, access, until } = await startScene(t);
  t.ok(access.id);
  const airlock = await connectAirlock({ env: gateway.env });
  t.teardown(() => airlock.close());
  const said: unknown[] = [];
  airlock.events.on('service.event', (event) => said.push(event));
  const params = { service: 'gmail', event: { notify: { method: 'notifications/tools/list_changed', params: {} } } };
  gateway.notify({ method: 'service.event', params });
  await until(() => said.length === 1);
  t.same(said, [params]);
});
