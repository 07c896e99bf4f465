/** Events, questions and cancellation of calls that are over, or will never begin. EXCHANGE-2, EXCHANGE-3, EXCHANGE-7, EXCHANGE-11. */
import { narrowLease } from '@airlock/lease';
import {
  AirlockError,
  DEFAULT_CONFIG,
  type CallResult,
  type CellEvent,
  type CellResult,
  type ExchangeReply,
  type RegisteredLease,
} from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import t, { type Test } from 'tap';
import { Channel } from '../src/exchange/channel.js';
import { tellServiceEvent } from '../src/exchange/service-event.js';
import type { House } from '../src/house.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

const CONFIG = {
  permissions: { ...DEFAULT_CONFIG.permissions, allow: ['write' as const] },
  rules: {
    policies: [
      {
        ...{ id: 'frees', name: 'Frees', description: 'a write without a code', status: 'active', blocked_commands: [] },
        rules: [{ id: 'send', decision: 'allow', operations: ['send'] }],
      },
    ],
    attachments: { '*': ['frees'] },
  },
};
const MCP = { revision: '2025-11-25' };
const PROGRESS: CellEvent['event'] = { notify: { method: 'notifications/progress', params: { progress: 1 } } };

interface Scene {
  readonly world: World;
  readonly agent: Client;
  readonly text: string;
  readonly cancelled: string[];
  /** Of the call that began last. */
  tell: (event: CellEvent['event']) => void;
  finish: (answer?: CellResult) => void;
  readonly call: (lease?: string, operation?: string) => Promise<CallResult>;
}

const begin = async (t: Test): Promise<Scene> => {
  const world = await startWorld({ config: CONFIG });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const spec = { session: agent.session, scopes: ['mail:read', 'mail:write'], unattended: ['mail:send'] };
  const { text } = world.totp.issue(spec);
  await world.until(() => world.cells.opened.length === 1, 'the cell');
  await world.settle();
  const scene: Scene = {
    ...{ world, agent, text, cancelled: [], tell: () => undefined, finish: () => undefined },
    call: (lease = text, operation = 'search') => {
      const context = { channel: 'talk', mcp: MCP };
      const answer = agent.call<CallResult>('call', { lease, service: 'mail', operation, params: {}, context });
      answer.catch(() => undefined);
      return answer;
    },
  };
  world.cells.cancel = ({ channel }) => (scene.cancelled.push(channel), {});
  world.cells.execute = ({ exchange }, _slot, cell) =>
    new Promise<CellResult>((resolve) => {
      scene.tell = (event) => cell.notify('event', { channel: exchange?.channel, event, risk: 0 });
      scene.finish = (answer = okResult()) => resolve(answer);
    });
  return scene;
};
const inCell = (world: World, count = 1): Promise<void> =>
  world.until(() => world.cells.executed.length === count, 'the call in its cell');

for (const operation of ['search', 'send'])
  t.test(`EXCHANGE-2: ${operation} that is cancelled before its decision is recorded never reaches its cell`, async (t) => {
    const { world, agent, text, call } = await begin(t);
    const answer = call(text, operation);
    // Both frames arrive at once.
    const cancelled = agent.call('call.cancel', { channel: 'talk' });
    t.match(await refusalOf(answer), { code: 'UNAVAILABLE', message: 'the call was cancelled' });
    t.same(await cancelled, {});
    t.equal(world.cells.executed.length, 0);
    t.match(world.events('operation').at(-1), { result: 'UNAVAILABLE' });
  });

t.test('EXCHANGE-2: nor is a cell waited for that has to be opened first', async (t) => {
  const { world, agent, call } = await begin(t);
  world.cells.kill();
  await world.settle();
  world.totp.mute.add('ticket.create');
  const answer = call();
  const cancelled = agent.call('call.cancel', { channel: 'talk' });
  t.match(await refusalOf(answer), { code: 'UNAVAILABLE', message: 'the call was cancelled' });
  await cancelled;
  t.equal(world.cells.executed.length, 0);
});

t.test('EXCHANGE-2: to cancel once more changes nothing, and the cell is told once', async (t) => {
  const { world, agent, text, call, cancelled } = await begin(t);
  const answer = call(text, 'send');
  await inCell(world);
  for (let n = 0; n < 3; n += 1) t.same(await agent.call('call.cancel', { channel: 'talk' }), {});
  t.equal(cancelled.length, 1);
  await world.settle();
  world.timers.advance(GATEWAY_LIMITS.cancelGraceMs);
  t.equal((await refusalOf(answer)).code, 'OUTCOME_UNKNOWN');
});

t.test('a refusal to answer a question reaches the cell as one, and an answer of nothing as nothing', async (t) => {
  const scene = await begin(t);
  const { world, agent, call } = scene;
  const replies: ExchangeReply[] = [];
  world.cells.reply = (reply) => (replies.push(reply), {});
  const answer = call();
  await inCell(world);
  for (const ask of ['a1', 'a2']) scene.tell({ ask, method: 'roots/list', params: {} });
  await world.until(() => agent.noted('call.event').length === 2, 'the questions');
  const error = { code: -32601, message: 'no roots here' };
  await agent.call('call.reply', { channel: 'talk', ask: 'a1', error });
  await agent.call('call.reply', { channel: 'talk', ask: 'a2', result: null });
  t.match(replies, [
    { ask: 'a1', error },
    { ask: 'a2', result: null },
  ]);
  t.notOk('result' in (replies[0] ?? {}) || 'error' in (replies[1] ?? {}));
  scene.finish();
  await answer;
});

t.test('EXCHANGE-7: what a service says after a narrowed lease has ended ends the call and reaches nobody', async (t) => {
  const scene = await begin(t);
  const { world, agent, text, call } = scene;
  const answer = call(narrowLease(text, ['expires', world.clock.wallMs() + 3000]));
  await inCell(world);
  scene.tell(PROGRESS);
  await world.until(() => agent.noted('call.event').length === 1, 'negative control');
  await world.advance(3100);
  scene.tell(PROGRESS);
  t.match(await refusalOf(answer), { code: 'LEASE_EXPIRED', message: 'the lease ended during the call' });
  t.equal(agent.noted('call.event').length, 1);
});

t.test('a call that was given up does not wait for its cell', async (t) => {
  const reason = new AirlockError('UNAVAILABLE', 'given up');
  const listener = { notify: () => undefined, unsentBytes: 0 };
  const channel = new Channel({
    name: 'talk',
    id: 'c1',
    mcp: undefined,
    listener: listener,
    timers: new ManualTimers(),
  });
  channel.check();
  channel.abort(reason);
  t.throws(() => channel.check(), reason);
  t.equal(await refusalOf(channel.orAborted(new Promise(() => undefined))), reason);
});

t.test(
  'EXCHANGE-11: outside calls nothing is told that the session may not hear, or that nobody could call tainted',
  async (t) => {
    const key = { lease: 'l', service: 'mail', role: 'default', operator: 'default' };
    const lease = { session: 's', budget: null, constraints: {} } as unknown as RegisteredLease;
    const told = (
      change: object = {},
      untrusted = true,
      event: CellEvent['event'] = PROGRESS,
    ): { events: unknown[]; taints: unknown[] } => {
      const [events, taints]: [unknown[], unknown[]] = [[], []];
      const connection = { unsentBytes: 0, notify: (_: string, params: unknown) => events.push(params) };
      const session = { id: 's', role: 'default', operator: 'default', connections: [connection] };
      const operations = new Map([['get', { name: 'get', untrusted }]]);
      const house = {
        register: { find: () => lease },
        bridge: { refusal: () => null },
        frozen: new Map(),
        sessions: { get: (id: string) => (id === 's' ? session : undefined), taint: () => (taints.push('s'), ['s']) },
        stores: new Map([['default', { get: () => ({ service: 'mail', kind: 'fake', destination: {}, settings: {} }) }]]),
        catalogue: { find: () => ({ manifest: { title: 'Mail' }, operations }) },
        journal: { note: () => undefined },
        clock: { wallMs: () => 0 },
        ...change,
      };
      tellServiceEvent(house as unknown as House, key, { event, risk: 0 });
      return { events, taints };
    };
    t.match(told(), { events: [{ service: 'mail', event: PROGRESS }], taints: ['s'] });
    t.match(told({}, false), { events: [{ service: 'mail' }], taints: [] }, 'nothing in it is of others');
    const nothing = { events: [], taints: [] };
    t.same(told({ register: { find: () => null } }), nothing, 'its lease has ended');
    t.same(told({ bridge: { refusal: () => new AirlockError('UNAVAILABLE', 'x') } }), nothing, 'cut off');
    t.same(told({ frozen: new Map([['default', {}]]) }), nothing, 'frozen');
    t.same(told({ sessions: { get: () => undefined } }), nothing, 'its session is forgotten');
    t.same(told({ catalogue: { find: () => null } }), nothing, 'its kind is gone, so nobody knows whether others wrote it');
    t.same(told({}, true, { ask: 'a1', method: 'roots/list', params: {} }), nothing, 'never a question');
  },
);
