/** docs/spec/relay.md: an upstream MCP server through the relay, as clients of both revisions see it. */
import { readFileSync } from 'node:fs';
import { AirlockError, type Json } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import t from 'tap';
import { answered, open, QUIET_MS, type Script } from './relay-rig.js';

const said = (text: string): Json => ({ content: [{ type: 'text', text }] });
const quoted = (code: number, message: string): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', 'the server answered with an error', { found: `rpc ${code}: ${message}`, hint: 'HINT' });
const throwing =
  (error: Error): Script =>
  () => {
    throw error;
  };
const asking =
  (method: string, params: Record<string, unknown> = {}): Script =>
  async (_params, { exchange }) => ({ content: [{ type: 'text', text: JSON.stringify(await exchange.onAsk(method, params)) }] });

const FORM = { message: 'What is your name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const ACCEPTED = { action: 'accept', content: { name: 'Ada' } };

t.test('tools stand under their own names, and only ours begin with airlock_ (RELAY-1)', async (t) => {
  const { legacy, calls } = open(
    t,
    { op_getIssue: () => said('issue') },
    ['getIssue', 'airlock_status', 'airlock_enter'],
    new ManualTimers(),
  );
  const client = await legacy();
  const { tools } = await client.listTools();
  t.same(
    tools.map(({ name }) => name),
    ['airlock_status', 'getIssue'],
  );
  t.match(await client.callTool({ name: 'getIssue', arguments: { key: 'A-1' } }), said('issue'));
  t.match(calls.log.at(-1), {
    operation: 'op_getIssue',
    params: { key: 'A-1' },
    mcp: { revision: '2025-11-25', progress: false },
  });
  t.match(await client.callTool({ name: 'airlock_status', arguments: {} }), said('ours'), 'ours is run, not the upstream’s');
  const before = calls.log.length;
  await t.rejects(client.callTool({ name: 'airlock_enter', arguments: {} }), { code: -32602, message: /Unknown tool/ });
  t.equal(calls.log.length, before, 'the upstream was not called');
});

t.test('a refusal carries code, hint and retry (RELAY-2)', async (t) => {
  const refusal = new AirlockError('LEASE_INVALID', 'there is no live lease', { hint: 'ask first' });
  const script = Object.fromEntries(['op_a', 'mcp_resource_read', 'mcp_prompts_list'].map((name) => [name, throwing(refusal)]));
  const { legacy, modern } = open(t, script, ['a'], new ManualTimers());
  const client = await legacy();
  t.match(await client.callTool({ name: 'a', arguments: {} }), { isError: true, structuredContent: { refused: true } });
  const data = { code: 'LEASE_INVALID', hint: 'ask first', retry: /.+/ };
  await t.rejects(client.readResource({ uri: 'test://x' }), { message: /LEASE_INVALID/, data });
  t.match(await modern('resources/read', { uri: 'test://x' }), { error: { data } });
  const listed = await client.listPrompts();
  t.match(listed, { prompts: [], _meta: { 'airlock/error': data } });
});

t.test('an error of the server is the same error, unless only the carrier may say it (RELAY-6)', async (t) => {
  const page = readFileSync(new URL('../../../../docs/spec/relay.md', import.meta.url), 'utf8');
  const example = JSON.parse(/```json error\n(.*)\n```/.exec(page)?.[1] ?? '') as object;
  const script = {
    mcp_resource_read: throwing(quoted(-32602, 'Resource not found')),
    op_a: throwing(quoted(-32022, 'Unsupported protocol version')),
    op_b: throwing(quoted(7, 'own code')),
    mcp_prompts_list: throwing(quoted(-32601, 'Method not found')),
  };
  const { modern, legacy } = open(t, script, ['a', 'b'], new ManualTimers());
  t.match((await modern('resources/read', { uri: 'test://nothing' }))['error'], {
    ...example,
    data: { code: 'UPSTREAM_REFUSED', uri: 'test://nothing' },
  });
  t.match(await modern('tools/call', { name: 'a', arguments: {} }), {
    error: { code: -32603, message: 'Unsupported protocol version' },
  });
  t.match(await modern('tools/call', { name: 'b', arguments: {} }), { error: { code: 7, message: 'own code' } });
  t.same((await (await legacy()).listPrompts()).prompts, [], 'a list that the server does not have is empty');
});

t.test('a client of 2025-11-25 is asked in the middle of the call, and nothing it did not declare (RELAY-3)', async (t) => {
  const script = { op_elicit: asking('elicitation/create', FORM), op_roots: asking('roots/list') };
  const { legacy } = open(t, script, ['elicit', 'roots'], new ManualTimers());
  const client = await legacy({ 'elicitation/create': ACCEPTED });
  t.match(JSON.stringify(await client.callTool({ name: 'elicit', arguments: {} })), /Ada/);
  t.match(await client.callTool({ name: 'roots', arguments: {} }), { isError: true, structuredContent: { refused: true } });
});

t.test('a lease text reaches the upstream in no member of a request, and in no answer (MCP-9)', async (t) => {
  const lease = `al1.${'A'.repeat(40)}.${'B'.repeat(40)}`;
  const script = { op_a: () => said('ran'), op_elicit: asking('elicitation/create', FORM) };
  const { legacy, modern, calls } = open(t, script, ['a', 'elicit'], new ManualTimers());
  const client = await legacy({ 'elicitation/create': { action: 'accept', content: { name: lease } } });
  for (const more of [
    { _meta: { _capability: lease } },
    { inputResponses: { name: { action: 'accept', content: { name: lease } } } },
    { requestState: lease },
  ])
    t.match(JSON.stringify(await modern('tools/call', { name: 'a', arguments: {}, ...more })), /refused|PARAMS_INVALID/);
  t.match(await client.callTool({ name: 'a', arguments: {}, _meta: { deep: [{ lease }] } }), { isError: true });
  t.notOk(calls.log.some(({ operation }) => operation === 'op_a'));
  t.match(await client.callTool({ name: 'elicit', arguments: {} }), { isError: true }, 'the question has no answer');
  t.notMatch(JSON.stringify(calls.log), lease);
  t.match(await client.callTool({ name: 'a', arguments: {}, _meta: { 'acme/trace': 'x' } }), said('ran'), 'negative control');
});

t.test('a client of 2026-07-28 is asked by an answer, and its next try goes on with the call (RELAY-4)', async (t) => {
  const timers = new ManualTimers();
  const { modern, calls } = open(t, { op_elicit: asking('elicitation/create', FORM) }, ['elicit'], timers);
  const capabilities = { elicitation: {} };
  const call = (more: Record<string, unknown> = {}, name = 'elicit'): ReturnType<typeof modern> =>
    answered(timers, modern('tools/call', { name, arguments: {}, ...more }, capabilities));
  const stateOf = async (): Promise<string> => String(((await call())['result'] as Record<string, unknown>)['requestState']);
  const first = await call();
  t.match(first, {
    result: { resultType: 'input_required', inputRequests: { ask_1: { method: 'elicitation/create', params: FORM } } },
  });
  const requestState = String((first['result'] as Record<string, unknown>)['requestState']);
  const reply = { inputResponses: { ask_1: ACCEPTED }, requestState };
  const other = await modern('tools/call', { name: 'elicit', arguments: { other: 1 }, ...reply }, capabilities);
  t.match(other, { error: { code: -32602, message: /requestState/ } }, 'another request cannot go on with it');
  t.match(await call({ ...reply, requestState: `${requestState}x` }), { error: { code: -32602 } }, 'nor a state that is none');
  t.match(JSON.stringify(await call(reply)), /Ada/);
  t.match(await call(reply), { error: { code: -32602 } }, 'and once only');
  t.equal(calls.log.length, 1, 'the upstream was called once');
  const late = await stateOf();
  timers.advance(600_000);
  t.match(await call({ ...reply, requestState: late }), { error: { code: -32602 } }, 'not after 600 s');
  for (let open = 0; open < 64; open += 1) await call();
  t.match(JSON.stringify(await call()), /RATE_LIMITED|isError/, '64 may wait at a time');
});

/** Turns of the event loop, as many as what came takes on its way. */
const turns = async (timers: ManualTimers): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) {
    await new Promise(setImmediate);
    if (timers.isDue(0)) timers.advance(0);
  }
};

/** A server whose questions come when the test says so. */
const slowly =
  (asks: (() => void)[], method = 'elicitation/create'): Script =>
  async (_params, { exchange }) => {
    const answers = [0, 1, 2].map(
      (index) =>
        new Promise<Json>((resolve, reject) => {
          asks.push(() => void exchange.onAsk(method, { ...FORM, message: `question ${index}` }).then(resolve, reject));
        }),
    );
    return said(JSON.stringify(await Promise.all(answers)));
  };

t.test('questions that come one by one are asked together (RELAY-8)', async (t) => {
  const timers = new ManualTimers();
  const asks: (() => void)[] = [];
  const { modern, calls } = open(t, { op_elicit: slowly(asks) }, ['elicit'], timers);
  const call = (more: Record<string, unknown> = {}): ReturnType<typeof modern> =>
    modern('tools/call', { name: 'elicit', arguments: {}, ...more }, { elicitation: {} });
  const asked = call();
  let isAnswered = false;
  asked.then(() => (isAnswered = true)).catch(() => undefined);
  await turns(timers);
  for (const ask of asks) {
    ask();
    await turns(timers);
    timers.advance(QUIET_MS - 1);
    await turns(timers);
    t.notOk(isAnswered, 'another may still come');
  }
  timers.advance(1);
  const { inputRequests, requestState } = (await asked)['result'] as Record<string, Record<string, unknown>>;
  t.same(Object.keys(inputRequests ?? {}), ['ask_1', 'ask_2', 'ask_3']);
  const inputResponses = Object.fromEntries(Object.keys(inputRequests ?? {}).map((key) => [key, ACCEPTED]));
  t.match(JSON.stringify(await answered(timers, call({ inputResponses, requestState }))), /Ada.*Ada.*Ada/);
  t.equal(calls.log.length, 1, 'one call');
  t.notOk(timers.isDue(600_000), 'nothing is waited for any more');
});

t.test('a server that asks on and on does not put its client off, and an answer overtakes its questions (RELAY-8)', async (t) => {
  const timers = new ManualTimers();
  let asked = 0;
  const drip: Script = (_params, { exchange }) =>
    new Promise((resolve) => {
      const ask = (): void => {
        asked += 1;
        exchange.onAsk('elicitation/create', FORM).catch(() => undefined);
        timers.after(QUIET_MS - 1, ask);
      };
      ask();
      if (calls.log.length > 1) resolve(said('over'));
    });
  const { modern, calls } = open(t, { op_drip: drip }, ['drip'], timers);
  const call = (): ReturnType<typeof modern> => modern('tools/call', { name: 'drip', arguments: {} }, { elicitation: {} });
  const first = (await answered(timers, call()))['result'] as Record<string, object>;
  t.match(first, { resultType: 'input_required' });
  t.equal(timers.nowMs() <= 2 * 2000, true, 'not much later than the first');
  t.ok(asked > 1, 'it did ask on');
  t.match(await answered(timers, call()), { result: said('over') });
});

t.test('the state of the upstream is its own, and its questions are passed on as they are', async (t) => {
  const round: Script = (_params, { exchange }) => {
    const { requestState = null, inputResponses = null } = exchange.mcp as {
      readonly requestState?: Json;
      readonly inputResponses?: Json;
    };
    if (requestState !== null) return said(JSON.stringify([requestState, inputResponses]));
    return {
      resultType: 'input_required',
      inputRequests: { name: { method: 'elicitation/create', params: FORM } },
      requestState: 'theirs',
    };
  };
  const { modern, legacy } = open(t, { op_round: round }, ['round'], new ManualTimers());
  const first = await modern('tools/call', { name: 'round', arguments: {} }, { elicitation: {} });
  t.match(first, {
    result: { resultType: 'input_required', requestState: 'theirs', inputRequests: { name: { method: 'elicitation/create' } } },
  });
  const again = { name: 'round', arguments: {}, requestState: 'theirs', inputResponses: { name: ACCEPTED } };
  t.match(JSON.stringify(await modern('tools/call', again, { elicitation: {} })), /theirs.*Ada/);
  t.match(
    await modern('tools/call', { name: 'round', arguments: {} }),
    { error: { code: -32021 } },
    'not where the client cannot',
  );
  const client = await legacy({ 'elicitation/create': ACCEPTED });
  t.match(
    JSON.stringify(await client.callTool({ name: 'round', arguments: {} })),
    /theirs.*Ada/,
    '2025-11-25 is asked in between',
  );
});

t.test('a result is passed on member for member, and what may be cached is private (RELAY-5)', async (t) => {
  const result = {
    ...(said('x') as object),
    structuredContent: { a: [1, null] },
    isError: true,
    _meta: { own: 1, 'io.modelcontextprotocol/serverInfo': { name: 'upstream', version: '1' } },
    resultType: 'complete',
  };
  const contents = [{ uri: 'test://x', text: 'x' }];
  const script = { op_a: () => result, mcp_resource_read: () => ({ contents, ttlMs: 5, cacheScope: 'public' }) };
  const { modern, legacy } = open(t, script, ['a'], new ManualTimers());
  const client = await legacy();
  t.same(await client.callTool({ name: 'a', arguments: {} }), {
    ...(said('x') as object),
    structuredContent: { a: [1, null] },
    isError: true,
    _meta: { own: 1 },
  });
  t.match(await modern('tools/call', { name: 'a', arguments: {} }), {
    result: { _meta: { own: 1, 'io.modelcontextprotocol/serverInfo': { name: 'airlock' } } },
  });
  t.match(await modern('resources/read', { uri: 'test://x' }), { result: { contents, ttlMs: 5, cacheScope: 'private' } });
});

t.test('updates reach who subscribed, log messages who wants their level (RELAY-7)', async (t) => {
  const loud: Script = (_params, { exchange }) => {
    for (const level of ['debug', 'warning']) exchange.onNotify('notifications/message', { level, data: level });
    exchange.onNotify('notifications/progress', { progress: 1 });
    return said('done');
  };
  const { calls, legacy } = open(t, { op_loud: loud }, ['loud'], new ManualTimers());
  const [one, two] = [await legacy(), await legacy()];
  const heard: string[] = [];
  for (const [who, client] of [
    ['one', one],
    ['two', two],
  ] as const) {
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(`${who} ${params.uri}`));
    client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(`${who} ${String(params.data)}`));
  }
  await one.subscribeResource({ uri: 'test://a' });
  await two.subscribeResource({ uri: 'test://a' });
  t.equal(calls.log.filter(({ operation }) => operation === 'mcp_resource_subscribe').length, 1, 'once upstream');
  await two.unsubscribeResource({ uri: 'test://a' });
  calls.say('notifications/resources/updated', { uri: 'test://a' });
  calls.say('notifications/resources/updated', { uri: 'test://b' });
  await one.ping();
  await two.ping();
  t.same(heard.splice(0), ['one test://a']);
  await one.request({ method: 'logging/setLevel', params: { level: 'error' } });
  const progress: number[] = [];
  await one.callTool({ name: 'loud', arguments: {} }, { onprogress: (step) => void progress.push(step.progress) });
  await two.callTool({ name: 'loud', arguments: {} });
  t.same(heard, ['two warning'], 'error and above for one; info and above where nobody said');
  t.same(progress, [1]);
  await one.close();
  t.equal(calls.log.at(-1)?.operation, 'mcp_resource_unsubscribe', 'a client that goes takes its subscriptions with it');
});

t.test('what the client cancels is cancelled upstream', async (t) => {
  let cancelled: Promise<unknown> = Promise.resolve();
  const slow: Script = (_params, { signal }) => {
    cancelled = new Promise((resolve) => signal.addEventListener('abort', () => resolve(true)));
    return cancelled.then(() => said('late'));
  };
  const { legacy } = open(t, { op_slow: slow }, ['slow'], new ManualTimers());
  const client = await legacy();
  const gone = new AbortController();
  const call = client.callTool({ name: 'slow', arguments: {} }, { signal: gone.signal });
  await client.ping();
  gone.abort(new Error('enough'));
  await t.rejects(call);
  t.equal(await cancelled, true);
});

t.test('capabilities are those of the server, once somebody could ask', async (t) => {
  let mayAsk = false;
  const about: Script = () => {
    if (!mayAsk) throw new AirlockError('LEASE_INVALID', 'no');
    return { capabilities: { prompts: { listChanged: true }, tools: {}, experimental: {} } };
  };
  const { relay, legacy, calls } = open(t, { mcp_capabilities: about }, [], new ManualTimers());
  await relay.prepare();
  const before = (await legacy()).getServerCapabilities() ?? {};
  t.same(Object.keys(before).sort(), ['completions', 'logging', 'prompts', 'resources', 'tools']);
  mayAsk = true;
  await relay.prepare();
  const asked = calls.log.length;
  await relay.prepare();
  t.equal(calls.log.length, asked, 'remembered');
  t.same((await legacy()).getServerCapabilities(), { prompts: { listChanged: true }, tools: { listChanged: true } });
  calls.say('airlock/changed', {});
  await relay.prepare();
  t.equal(calls.log.length, asked + 1, 'until the service is another');
});
