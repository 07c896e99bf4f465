/** Events, questions, replies and cancellation on their way through the gateway (docs/spec/exchange.md). */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '@airlock/ipc';
import {
  AirlockError,
  toWireError,
  EXCHANGE_LIMITS,
  type CallResult,
  type CellEvent,
  type CellResult,
  type ExchangeReply,
  type ServiceStderr,
} from '@airlock/protocol';
import t, { type Test } from 'tap';
import { replyHoldsCode, talkHoldsCode } from '../src/exchange/methods.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

const FREES_WRITES = {
  permissions: { default: 'read', allow: ['write'] },
  rules: {
    policies: [
      {
        ...{ id: 'frees', name: 'Frees', description: 'a write without a code', status: 'active', blocked_commands: [] },
        rules: [{ id: 'send', decision: 'allow', operations: ['send'] }],
      },
    ],
    attachments: { '*': ['frees'] },
  },
} as const;
/** The human read that this write is free. */
const WRITER = { scopes: ['mail:write'], unattended: ['mail:send'] };
const ORDER = { service: 'mail', operation: 'search', params: {} };
const MCP = { revision: '2025-11-25' };

/** A call in a cell of the test's own making. */
interface Held {
  readonly channel: string;
  readonly slot: number;
  readonly cell: Connection;
  readonly tell: (event: CellEvent['event'], risk?: number) => void;
  readonly finish: (result?: CellResult) => void;
  readonly fail: (error: AirlockError) => void;
}

interface Scene {
  readonly world: World;
  readonly agent: Client;
  readonly lease: { readonly id: string; readonly text: string };
  readonly held: Held[];
  readonly replies: ExchangeReply[];
  readonly cancelled: string[];
  readonly call: (change?: object, client?: Client) => Promise<CallResult>;
  /** A call that is in its cell. */
  readonly begin: (change?: object) => Promise<{ readonly answer: Promise<CallResult>; readonly held: Held }>;
}

const startScene = async (t: Test, spec: object = {}): Promise<Scene> => {
  const world = await startWorld({ config: FREES_WRITES });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const { lease, text } = world.totp.issue({ session: agent.session, ...spec });
  await world.settle();
  const [held, replies, cancelled]: [Held[], ExchangeReply[], string[]] = [[], [], []];
  world.cells.execute = ({ exchange }, slot, cell) =>
    new Promise<CellResult>((resolve, reject) => {
      const channel = exchange?.channel ?? '';
      const tell = (event: CellEvent['event'], risk = 0): void => cell.notify('event', { channel, event, risk });
      held.push({ channel, slot, cell, tell, finish: (result = okResult()) => resolve(result), fail: reject });
    });
  world.cells.reply = (reply) => (replies.push(reply), {});
  world.cells.cancel = ({ channel }) => (cancelled.push(channel), {});
  const call = (change: object = {}, client = agent): Promise<CallResult> =>
    client.call<CallResult>('call', {
      ...{ lease: text, service: 'mail', operation: 'search', params: {} },
      ...{ context: { channel: 'talk', mcp: MCP }, ...change },
    });
  const begin = async (change: object = {}): Promise<{ answer: Promise<CallResult>; held: Held }> => {
    const before = held.length;
    const answer = call(change);
    answer.catch(() => undefined);
    await world.until(() => held.length > before, 'the call');
    return { answer, held: held[before] as Held };
  };
  return { world, agent, lease: { id: lease.id, text }, held, replies, cancelled, call, begin };
};

const progress = (n = 1): CellEvent['event'] => ({ notify: { method: 'notifications/progress', params: { progress: n } } });
const ask = (id: string): CellEvent['event'] => ({ ask: id, method: 'roots/list', params: {} });
const codeOf = async (work: Promise<unknown>): Promise<string> => (await refusalOf(work)).code;

t.test('what the cell says and asks reaches the caller, and the reply the cell, under names of their own', async (t) => {
  const { world, agent, begin, replies } = await startScene(t);
  const { answer, held } = await begin();
  t.not(held.channel, 'talk', 'no agent chooses what the cell calls it');
  held.tell(progress());
  held.tell(ask('a1'));
  await world.until(() => agent.noted('call.event').length === 2, 'events');
  t.same(agent.noted('call.event'), [
    { channel: 'talk', event: progress() },
    { channel: 'talk', event: ask('a1') },
  ]);
  t.same(await agent.call('call.reply', { channel: 'talk', ask: 'a1', result: { roots: [] } }), {});
  t.same(replies, [{ channel: held.channel, ask: 'a1', result: { roots: [] } }]);
  held.finish();
  await answer;
  t.match(world.events('operation').at(-1), { result: 'ok', events: 2, asks: 1 }, 'EXCHANGE-13');
  const plain = await begin({ context: { channel: 'talk' } });
  plain.held.tell(progress());
  plain.held.finish();
  await plain.answer;
  await world.settle();
  t.equal(agent.noted('call.event').length, 2, 'without mcp nobody listens');
  t.notOk('events' in (world.events('operation').at(-1) ?? {}));
});

t.test(
  'EXCHANGE-1: another connection, another session, another name and a taken-up session have no part in a channel',
  async (t) => {
    const { world, agent, begin, replies, cancelled } = await startScene(t);
    const { answer, held } = await begin();
    held.tell(ask('a1'));
    await world.until(() => agent.noted('call.event').length === 1);
    const [twin, stranger] = [await world.agent('default', agent.hello?.resume), await world.agent()];
    const reply = { channel: 'talk', ask: 'a1', result: {} };
    for (const client of [twin, stranger]) {
      t.equal(await codeOf(client.call('call.reply', reply)), 'NOT_FOUND');
      t.equal(await codeOf(client.call('call.cancel', { channel: 'talk' })), 'NOT_FOUND');
    }
    for (const channel of ['other', held.channel]) {
      t.equal(await codeOf(agent.call('call.reply', { ...reply, channel })), 'NOT_FOUND');
      t.equal(await codeOf(agent.call('call.cancel', { channel })), 'NOT_FOUND');
    }
    t.equal(await codeOf(agent.call('call.reply', { ...reply, ask: 'a2' })), 'NOT_FOUND');
    t.same([replies, cancelled], [[], []]);
    t.equal(twin.noted('call.event').length, 0);
    await agent.call('call.reply', reply);
    t.equal(replies.length, 1, 'negative control');
    held.finish();
    await answer;
    t.equal(await codeOf(agent.call('call.reply', { ...reply, ask: 'a1' })), 'NOT_FOUND', 'EXCHANGE-3: after the end');
    held.tell(progress());
    await world.settle();
    t.equal(agent.noted('call.event').length, 1, 'EXCHANGE-3: nothing comes after the answer');
  },
);

t.test('EXCHANGE-1: a name is used once at a time, and a wish to talk needs one', async (t) => {
  const { begin, call } = await startScene(t);
  const { answer, held } = await begin();
  t.equal(await codeOf(call()), 'PARAMS_INVALID');
  t.equal(await codeOf(call({ context: { mcp: MCP } })), 'PARAMS_INVALID');
  t.equal(await codeOf(call({ context: { channel: 'ä', mcp: MCP } })), 'PARAMS_INVALID');
  t.equal(await codeOf(call({ context: { channel: 'x', mcp: { ...MCP, more: 1 } } })), 'PARAMS_INVALID');
  held.finish();
  await answer;
  const again = await begin();
  again.held.finish();
  t.ok(await again.answer, 'negative control');
});

t.test('EXCHANGE-2: a cancelled read is answered at once, though its cell says nothing', async (t) => {
  const { world, agent, begin, cancelled } = await startScene(t);
  const { answer, held } = await begin();
  t.same(await agent.call('call.cancel', { channel: 'talk' }), {});
  t.match(await refusalOf(answer), { code: 'UNAVAILABLE', message: 'the call was cancelled', data: { retry: 'never' } });
  t.same(cancelled, [held.channel]);
  t.match(world.events('operation').at(-1), { result: 'UNAVAILABLE' });
  held.tell(progress());
  await world.settle();
  t.equal(agent.noted('call.event').length, 0);
});

t.test('EXCHANGE-2: a call whose connection ends is cancelled, and its name is free at once', async (t) => {
  const { world, agent, begin, call, cancelled } = await startScene(t);
  const { held } = await begin();
  agent.connection.close();
  await world.until(() => cancelled.length > 0, 'cancel');
  t.same(cancelled, [held.channel]);
  const twin = await world.agent('default', agent.hello?.resume);
  const again = call({}, twin);
  await world.until(() => world.cells.executed.length === 2);
  world.cells.kill();
  t.equal(await codeOf(again), 'UNAVAILABLE', 'it ran');
});

const WRITE = { operation: 'send', context: { channel: 'talk', mcp: MCP } };

t.test('EXCHANGE-2, CALL-10: a cancelled write ends as the cell says, and unknown where it says nothing', async (t) => {
  const { world, agent, begin } = await startScene(t, WRITER);
  const refused = await begin(WRITE);
  await agent.call('call.cancel', { channel: 'talk' });
  refused.held.fail(new AirlockError('UNAVAILABLE', 'the call was cancelled', { retry: 'never' }));
  t.equal(await codeOf(refused.answer), 'UNAVAILABLE', 'nothing was written');
  const done = await begin(WRITE);
  await agent.call('call.cancel', { channel: 'talk' });
  done.held.finish(okResult({ sent: true }));
  t.same((await done.answer).result, { sent: true }, 'the cancel came too late');
  const mute = await begin(WRITE);
  await agent.call('call.cancel', { channel: 'talk' });
  await world.settle();
  world.timers.advance(GATEWAY_LIMITS.cancelGraceMs);
  t.equal(await codeOf(mute.answer), 'OUTCOME_UNKNOWN');
  t.equal(world.cells.executed.length, 3, 'each was sent once');
});

t.test('EXCHANGE-2: what is cancelled before its cell is open never reaches it', async (t) => {
  const { world, agent, call } = await startScene(t, WRITER);
  world.totp.mute.add('ticket.create');
  world.cells.kill();
  await world.settle();
  const answer = call(WRITE);
  await world.until(() => world.events('operation_allowed').length === 1, 'the decision');
  await world.settle();
  await agent.call('call.cancel', { channel: 'talk' });
  t.equal(await codeOf(answer), 'UNAVAILABLE');
  t.equal(world.cells.executed.length, 0);
});

t.test('EXCHANGE-7: the taint is written before the first event leaves, and no event leaves after the lease', async (t) => {
  const { world, agent, begin, lease } = await startScene(t);
  const { answer, held } = await begin({ operation: 'get' });
  t.equal(world.events('tainted').length, 0);
  held.tell(progress());
  await world.until(() => agent.noted('call.event').length === 1);
  t.equal(world.events('tainted').length, 1);
  world.totp.end(lease.id, 'revoked');
  t.equal(await codeOf(answer), 'LEASE_REVOKED');
  held.tell(progress(2));
  await world.settle();
  t.equal(agent.noted('call.event').length, 1);
});

t.test('EXCHANGE-7: the lock ends calls and their questions', async (t) => {
  const { world, agent, begin } = await startScene(t);
  const { answer, held } = await begin();
  held.tell(ask('a1'));
  await world.until(() => agent.noted('call.event').length === 1);
  world.totp.lock(true);
  t.equal(await codeOf(answer), 'LOCKED');
  t.equal(await codeOf(agent.call('call.reply', { channel: 'talk', ask: 'a1', result: {} })), 'NOT_FOUND');
});

t.test(
  'EXCHANGE-7: events count against the bytes of the lease: a notice beyond is dropped, a question ends the call',
  async (t) => {
    const { world, agent, begin } = await startScene(t, { budget: { bytes: 460 } });
    const { answer, held } = await begin();
    const large: CellEvent['event'] = { notify: { method: 'notifications/message', params: { data: 'x'.repeat(300) } } };
    held.tell(large);
    held.tell(large);
    held.tell(progress());
    await world.until(() => agent.noted('call.event').length === 2);
    held.tell({ ask: 'a1', method: 'sampling/createMessage', params: { data: 'x'.repeat(300) } });
    t.equal(await codeOf(answer), 'LEASE_BUDGET');
    t.match(world.events('operation').at(-1), { result: 'LEASE_BUDGET', dropped: 2, asks: 0 });
  },
);

t.test('EXCHANGE-5: a cell that forgets the risk that is allowed is not believed', async (t) => {
  const { world, agent, begin } = await startScene(t, { constraints: { maxRisk: 300 } });
  const { answer, held } = await begin();
  held.tell(progress(1), 0.9);
  held.tell(progress(2), 0.2);
  await world.until(() => agent.noted('call.event').length === 1);
  t.same(agent.noted('call.event')[0]?.['event'], progress(2));
  held.tell(ask('a1'), 0.9);
  t.equal(await codeOf(answer), 'RISK_TOO_HIGH');
});

t.test('EXCHANGE-6: a cell that floods is held to the limits, and one that asks without end ends its call', async (t) => {
  const { world, agent, begin } = await startScene(t);
  const { answer, held } = await begin();
  for (let n = 0; n < 2000; n += 1) held.tell(progress(n));
  held.tell({ notify: { method: 'notifications/message', params: { data: 'x'.repeat(3 * EXCHANGE_LIMITS.maxEventBytes) } } });
  await world.settle();
  held.finish();
  await answer;
  t.equal(agent.noted('call.event').length, 2 * EXCHANGE_LIMITS.maxEventsPerSecond);
  const asking = await begin();
  for (let n = 0; n < 9; n += 1) asking.held.tell(ask(`a${n}`));
  t.equal(await codeOf(asking.answer), 'UPSTREAM_REFUSED');
  t.match(world.events('operation').at(-1), { asks: 8 });
  const twice = await begin();
  twice.held.tell(ask('same'));
  twice.held.tell(ask('same'));
  t.equal(await codeOf(twice.answer), 'UPSTREAM_REFUSED');
});

t.test('EXCHANGE-6: a cell that says more in a second than all its calls may is ended', async (t) => {
  const { agent, begin } = await startScene(t);
  const { answer, held } = await begin();
  for (let n = 0; n < GATEWAY_LIMITS.maxCellEventsPerSecond + 1; n += 1)
    held.cell.notify('event', { channel: 'nobody', event: progress(), risk: 0 });
  t.equal(await codeOf(answer), 'UPSTREAM_REFUSED');
  t.equal(agent.noted('call.event').length, 0);
});

t.test('EXCHANGE-4: a cell that says something else is ended', async (t) => {
  const broken: readonly object[] = [
    { channel: 'c1', event: { notify: { method: 'tools/call', params: {} } }, risk: 0 },
    { channel: 'c1', event: { ask: 'a1', method: 'notifications/progress', params: {} }, risk: 0 },
    { channel: 'c1', event: progress(), risk: 7 },
    { event: ask('a1'), risk: 0 },
    { event: progress() },
    { channel: 'c1', event: progress(), risk: 0, more: true },
  ];
  const { world, agent, begin } = await startScene(t);
  for (const one of broken) {
    const { answer, held } = await begin();
    held.cell.notify('event', one);
    t.equal(await codeOf(answer), 'UNAVAILABLE', JSON.stringify(one));
    await world.settle();
  }
  t.equal(agent.noted('call.event').length, 0);
});

t.test('EXCHANGE-3: a cell has a say in its own calls only', async (t) => {
  const { world, agent, begin } = await startScene(t);
  const other = await world.agent();
  const { text } = world.totp.issue({ session: other.session });
  await world.settle();
  const mine = await begin();
  const theirs = other.call('call', {
    ...{ lease: text, service: 'mail', operation: 'search', params: {}, context: { channel: 'theirs', mcp: MCP } },
  });
  theirs.catch(() => undefined);
  await world.until(() => world.cells.executed.length === 2);
  mine.held.cell.notify('event', { channel: world.cells.executed[1]?.exchange?.channel ?? '', event: progress(), risk: 0 });
  mine.held.tell(progress(2));
  await world.until(() => agent.noted('call.event').length === 1);
  t.equal(other.noted('call.event').length, 0);
});

t.test('EXCHANGE-8: an agent that does not read loses notices, and a question it would not read ends the call', async (t) => {
  const { world, held, lease, agent } = await startScene(t);
  const raw = connect({ path: world.socket('agent/default') });
  t.teardown(() => void raw.destroy());
  const send = (id: number, method: string, params: object): void =>
    void raw.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
  send(1, 'hello', { client: 'mute', protocol: 1, resume: agent.hello?.resume });
  const context = { channel: 'mute', mcp: MCP };
  send(2, 'call', { lease: lease.text, service: 'mail', operation: 'search', params: {}, context });
  await world.until(() => held.length === 1, 'the call');
  const large: CellEvent['event'] = { notify: { method: 'notifications/message', params: { data: 'x'.repeat(200_000) } } };
  for (let n = 0; n < 50; n += 1) held[0]?.tell(large);
  await world.settle();
  held[0]?.tell(ask('a1'));
  await world.until(() => world.events('operation').length === 1, 'the end of the call');
  const [record] = world.events('operation');
  t.match(record, { result: 'UNAVAILABLE', asks: 0 });
  t.ok(Number(record?.['dropped']) > 40, 'most of it was dropped, and none of it is held');
});

t.test('EXCHANGE-9, EXCHANGE-13: that a service asked for a code is recorded, once a call', async (t) => {
  const { world, begin } = await startScene(t);
  const { answer, held } = await begin();
  for (let n = 0; n < 5; n += 1) held.cell.notify('withheld', { channel: held.channel, why: 'code', count: 1 });
  held.cell.notify('withheld', { channel: held.channel, why: 'limit', count: 7 });
  await world.settle();
  held.finish();
  await answer;
  for (let n = 0; n < 5; n += 1) held.cell.notify('withheld', { why: 'code', count: 1 });
  await world.until(() => world.events('code_question').length === 2, 'that of a call nobody talks with');
  await world.settle();
  t.equal(world.events('code_question').length, 2);
  t.match(world.events('code_question')[0], { service: 'mail', operation: 'search' });
  t.match(world.events('operation').at(-1), { dropped: 12 });
});

t.test('EXCHANGE-10: a reply with a code is refused and never reaches the cell; the question stays open', async (t) => {
  const { world, agent, begin, replies, lease } = await startScene(t);
  const { answer, held } = await begin();
  held.tell(ask('a1'));
  await world.until(() => agent.noted('call.event').length === 1);
  const codes: readonly object[] = [
    { result: { action: 'accept', content: { value: '123 456' } } },
    { result: { action: 'accept', content: { value: 482913 } } },
    { result: { action: 'accept', content: { otp: 'x' } } },
    { result: { content: { type: 'text', text: 'the code is 482913' } } },
    { error: { code: -1, message: '482913' } },
    { error: { code: '482913', message: 'x' } },
  ];
  for (const one of codes.slice(0, 2)) {
    t.equal(await codeOf(agent.call('call.reply', { channel: 'talk', ask: 'a1', ...one })), 'CODE_ON_AGENT_SOCKET');
  }
  for (const one of codes) t.ok(replyHoldsCode({ channel: 'talk', ask: 'a1', ...one }), JSON.stringify(one));
  t.same(replies, []);
  const brought = (value: unknown): object => ({
    context: { channel: 'talk', mcp: { ...MCP, inputResponses: { one: { action: 'accept', content: { value } } } } },
  });
  for (const value of [482913, '482913', { deep: [48291312] }]) {
    t.ok(talkHoldsCode(brought(value)));
  }
  t.equal(await codeOf(agent.call('call', { ...ORDER, lease: lease.text, ...brought(482913) })), 'CODE_ON_AGENT_SOCKET');
  t.equal(talkHoldsCode(brought(12)), false, 'negative control');
  const fine = { result: { action: 'accept', content: { folder: 'Work', count: 12 } } };
  t.same(await agent.call('call.reply', { channel: 'talk', ask: 'a1', ...fine }), {}, 'negative control');
  t.equal(replyHoldsCode({ channel: 'talk', ask: 'a1', error: { code: -32601, message: 'no' } }), false);
  held.finish();
  await answer;
});

t.test('EXCHANGE-11: what a service says outside calls goes to the session of its lease, and only while it lives', async (t) => {
  const { world, agent, begin, lease } = await startScene(t);
  const stranger = await world.agent();
  const { answer, held } = await begin();
  const changed: CellEvent['event'] = { notify: { method: 'notifications/tools/list_changed', params: {} } };
  for (let n = 0; n < 50; n += 1) held.cell.notify('event', { event: changed, risk: 0 });
  await world.until(() => agent.noted('service.event').length > 0);
  await world.settle();
  t.equal(agent.noted('service.event').length, EXCHANGE_LIMITS.maxServiceEventsPerSecond);
  t.same(agent.noted('service.event')[0], { service: 'mail', event: changed });
  t.equal(world.events('tainted').filter(({ session }) => session === agent.session).length, 1, 'it is what others wrote');
  t.equal(stranger.noted('service.event').length, 0);
  world.totp.end(lease.id, 'revoked');
  await refusalOf(answer);
  held.cell.notify('event', { event: changed, risk: 0 });
  await world.settle();
  t.equal(agent.noted('service.event').length, EXCHANGE_LIMITS.maxServiceEventsPerSecond);
});

t.test('EXCHANGE-11: nothing is told under a lease whose bytes are counted', async (t) => {
  const { world, agent, begin } = await startScene(t, { budget: { bytes: 10_000 } });
  const { answer, held } = await begin();
  held.cell.notify('event', { event: progress(), risk: 0 });
  held.tell(progress());
  await world.until(() => agent.noted('call.event').length === 1);
  t.equal(agent.noted('service.event').length, 0);
  held.finish();
  await answer;
});

t.test('EXCHANGE-12: an operation that waits for an approval of its own runs without any exchange', async (t) => {
  const { world, call, held } = await startScene(t, { scopes: ['mail:write'] });
  t.equal(await codeOf(call(WRITE)), 'APPROVAL_PENDING');
  world.totp.decide('approved');
  await world.until(() => held.length === 1, 'the operation');
  t.notOk('exchange' in (world.cells.executed[0] ?? {}));
  held[0]?.finish();
  await world.settle();
});

/** The lines of a code block of the document, `→` and `←` apart. */
const conversation = (language: string): { readonly direction: string; readonly message: Record<string, unknown> }[] => {
  const text = readFileSync(new URL('../../../../docs/spec/exchange.md', import.meta.url), 'utf8');
  const [, block = ''] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text) ?? [];
  return block
    .trim()
    .split('\n')
    .map((line) => ({ direction: line.slice(0, 1), message: JSON.parse(line.slice(2)) as Record<string, unknown> }));
};

t.test('the conversation of the document happens as it stands there, on both sockets', async (t) => {
  const { world, lease, held, replies, cancelled, agent } = await startScene(t);
  const [lines, inside] = [conversation('agent'), conversation('cell')];
  t.equal(lines.length, 10);
  const client = await world.connect('agent/default');
  await client.call('hello', { client: 'document', protocol: 1, resume: agent.hello?.resume });
  const answers = new Map<unknown, Promise<unknown>>();
  const said = inside.filter(({ message }) => message['method'] === 'event').map(({ message }) => message['params'] as CellEvent);
  const ours = (id: number): Record<string, unknown> =>
    lines.find(({ direction, message }) => direction === '→' && message['id'] === id)?.message ?? {};
  const send = (id: number): void => {
    const { method, params } = ours(id);
    const filled = JSON.parse(JSON.stringify(params).replace('LEASE', lease.text)) as object;
    const answer = client.call(String(method), filled);
    answer.catch(() => undefined);
    answers.set(id, answer);
  };
  send(2);
  await world.until(() => held.length === 1);
  for (const { event } of said) held[0]?.tell(event);
  await world.until(() => client.noted('call.event').length === 2);
  send(3);
  await world.until(() => replies.length === 1);
  held[0]?.finish(okResult({ found: 2 }));
  await answers.get(2);
  send(4);
  await world.until(() => held.length === 2);
  send(5);
  await world.until(() => cancelled.length === 1);
  const expected = lines.filter(({ direction }) => direction === '←').map(({ message }) => message);
  for (const { id, result, error, params } of expected) {
    if (id === undefined)
      t.ok(
        client.noted('call.event').some((note) => isDeepStrictEqual(note, params)),
        JSON.stringify(params),
      );
    else if (result !== undefined) t.same(withoutSeq(await answers.get(id)), withoutSeq(result));
    else t.match(withoutSeq(toWireError(await refusalOf(answers.get(id) as Promise<unknown>))), withoutSeq(error));
  }
  const orders = inside.filter(({ direction, message }) => direction === '→' && message['method'] === 'execute');
  t.same(
    world.cells.executed,
    orders.map(({ message }) => message['params']),
  );
  t.same(
    replies,
    inside.filter(({ message }) => message['method'] === 'reply').map(({ message }) => message['params']),
  );
  t.same(cancelled, ['c2']);
});

/** Numbers of records are another run's. */
const withoutSeq = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replace(/"audit":\d+/g, '"audit":0'));

t.test('UPSTREAM-7: what a program writes to stderr is for the operator alone, and in no record', async (t) => {
  const { world, agent, begin } = await startScene(t);
  const { answer, held } = await begin();
  const operator = await world.operator();
  const read = (service = 'mail'): Promise<ServiceStderr> => operator.call<ServiceStderr>('service.stderr', { service });
  t.same(await read(), { service: 'mail', text: null, at: null });
  held.cell.notify('said', { text: 'first\n' });
  held.cell.notify('said', { text: 'SAID LAST\n' });
  await world.settle();
  t.match(await read(), { service: 'mail', text: 'SAID LAST\n', at: String });
  t.equal(await codeOf(read('absent')), 'SERVICE_UNKNOWN');
  t.match(
    await codeOf(agent.call('service.stderr', { service: 'mail' })),
    /METHOD_UNKNOWN|PARAMS_INVALID|NOT_FOUND/,
    'no method of agents',
  );
  t.equal(agent.noted('service.event').length + agent.noted('call.event').length, 0);
  held.finish();
  t.notMatch(JSON.stringify(await answer), 'SAID LAST');
  t.notMatch(JSON.stringify([world.records(), world.logs]), 'SAID LAST');
  for (const broken of [{ text: 'x'.repeat(40_961) }, { text: 7 }, {}]) {
    const next = await begin();
    next.held.cell.notify('said', broken);
    t.equal(await codeOf(next.answer), 'UNAVAILABLE', 'a cell that says something else is ended');
    await world.settle();
  }
});
