/** What terminals are told: those that wait for the outcome of an action, and those that subscribed. */
import t, { type Test } from 'tap';
import { DEFAULT_CONFIG, type ActionOpenResult, type ActionWaitResult, type ApproveStatus } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import { TOTP_LIMITS } from '../src/limits.js';
import {
  approveFront,
  askFor,
  call,
  connectExchanging,
  greet,
  openHouse,
  refusal,
  refusedWith,
  type House,
  type Link,
} from './support/daemon.js';

const REMOVE = { verb: 'service.remove', params: { service: 'gmail' } };

interface Place {
  readonly house: House;
  readonly timers: ManualTimers;
  readonly link: Link;
}

const open = async (t: Test): Promise<Place> => {
  const timers = new ManualTimers();
  const house = await openHouse({ timers });
  t.teardown(() => house.end());
  return { house, timers, link: await house.connect('approve/default') };
};

const ask = async (link: Link): Promise<string> => (await call<ActionOpenResult>(link, 'action.open', REMOVE)).request.id;

const wait = (link: Link, request: string, timeoutS: number): Promise<ActionWaitResult> =>
  call<ActionWaitResult>(link, 'action.wait', { request, timeoutS });

/** Whatever was sent before is served now. */
const served = (link: Link): Promise<unknown> => call(link, 'status');

t.test('QUEUE-11: who waits is told a moment after the decision, and who opened it gets what it gave', async (t) => {
  const { house, timers, link } = await open(t);
  const other = await house.connect('approve/default');
  const request = await ask(link);
  t.same(await wait(link, request, 0), { status: 'pending' });
  const waits = [wait(link, request, 50), wait(link, request, 50), wait(other, request, 50)];
  await Promise.all([served(link), served(other)]);
  await approveFront(house, other);
  timers.advance(250);
  const [first, second, third] = await Promise.all(waits);
  t.match(first, { status: 'approved', ticket: /^[\w-]{43}$/ });
  t.same(second, { status: 'approved' }, 'once');
  t.same(third, { status: 'approved' }, 'no ticket for another connection');
});

t.test('a wait that is over leaves the others waiting', async (t) => {
  const { house, timers, link } = await open(t);
  const request = await ask(link);
  const [short, long] = [wait(link, request, 1), wait(link, request, 50)];
  await served(link);
  timers.advance(1000);
  t.same(await short, { status: 'pending' });
  await call(await house.connect('approve/default'), 'request.deny', { request, reason: 'not now' });
  timers.advance(250);
  t.same(await long, { status: 'denied', reason: 'not now' });
});

t.test('so many may wait and no more, until some are over', async (t) => {
  const { house, timers, link } = await open(t);
  const other = await house.connect('approve/default');
  const request = await ask(link);
  const waits = Array.from({ length: TOTP_LIMITS.maxWaiters }, (_, n) => wait(n % 2 === 0 ? link : other, request, 1));
  await Promise.all([served(link), served(other)]);
  t.equal(await refusal(wait(link, request, 1)), 'RATE_LIMITED');
  t.same(await wait(link, request, 0), { status: 'pending' }, 'to ask is not to wait');
  timers.advance(1000);
  await Promise.all(waits);
  const one = wait(link, request, 1);
  await served(link);
  timers.advance(1000);
  t.same(await one, { status: 'pending' });
});

t.test('who subscribed is told of requests, locks and why everything is locked; who did not is told nothing', async (t) => {
  const { house, link } = await open(t);
  const told: [string, object][] = [];
  const terminal = await house.connect('approve/default', undefined, (method, params) => told.push([method, params]));
  const silent: string[] = [];
  const deaf = await house.connect('approve/default', undefined, (method) => silent.push(method));
  await call(terminal, 'subscribe');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const { request } = await askFor(bridge);
  await call(link, 'lock');
  t.equal(await refusal(call(bridge, 'head.sign', { size: 1, digests: [] })), 'AUDIT_UNAVAILABLE');
  await call(link, 'action.open', { verb: 'unlock', params: {} });
  await call(link, 'request.deny', { request });
  await Promise.all([served(terminal), served(deaf)]);
  t.match(told, [
    ['request.fronted', { request, role: 'default' }],
    ['locked', { locked: true }],
    ['request.decided', { request, status: 'denied' }],
    ['request.fronted', { role: 'operator' }],
  ]);
  await approveFront(house, link);
  await call(bridge, 'head.sign', { size: 1, digests: [] }).catch(() => undefined);
  await served(terminal);
  t.match(told.at(-1), ['locked', { locked: true, alert: /0 digests do not make 1/ }]);
  t.same(silent, []);
});

t.test('QUEUE-11: the end of a connection takes along what was approved elsewhere and not fetched', async (t) => {
  const { house, link } = await open(t);
  const mine = await house.connect('approve/default');
  const [kept, lost] = [await ask(link), await ask(mine)];
  await approveFront(house, await house.connect('approve/default'));
  await approveFront(house, await house.connect('approve/default'));
  const desk = house.totp.house?.desks.get('default');
  t.same([...(desk?.undelivered.keys() ?? [])], [kept, lost]);
  mine.close();
  while (desk?.undelivered.has(lost) === true) await served(link);
  t.match(await wait(link, kept, 0), { status: 'approved', ticket: /./ });
});

t.test('a socket of an operator who is not in the configuration says so, and does nothing', async (t) => {
  const house = await openHouse({ enrolled: false, config: { ...DEFAULT_CONFIG, operators: [] } });
  t.teardown(() => house.end());
  const { link, exchange } = await connectExchanging(house, 'approve/default');
  t.match(await call<ApproveStatus>(link, 'status'), { enrolled: false, queue: 0, sealed: null });
  for (const method of ['pending', 'leases', 'lock']) t.equal(await refusal(call(link, method)), 'CONFIG_INVALID', method);
  t.equal(refusedWith(await exchange(9, Buffer.alloc(40)))?.code, 'FRAME_INVALID');
});
