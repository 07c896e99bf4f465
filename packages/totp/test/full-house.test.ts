/** Where something is full, twice there or out of reach: what is refused then, and what stays as it was. */
import t, { type Test } from 'tap';
import {
  AirlockError,
  DEFAULT_CONFIG,
  FRAME,
  intentHash,
  packBlobs,
  type Action,
  type BridgeHelloResult,
  type ErrorCode,
  type RegisteredLease,
} from '@airlock/protocol';
import { ActionWaiters } from '../src/approve/action-wait.js';
import { TOTP_LIMITS } from '../src/limits.js';
import { freshId, openAction, openLeaseRequest, parseAction } from '../src/operators/ask.js';
import { denyRequests, endOpener } from '../src/operators/deny.js';
import type { Desk } from '../src/operators/desk.js';
import { checkGrant } from '../src/operators/grants.js';
import { reviveState } from '../src/operators/revive.js';
import { dropEarlierKeys } from '../src/operators/rotate.js';
import { NO_PRESENCE, notConfigured } from '../src/presence/decide.js';
import { frozenState, presenceOf } from '../src/presence/freeze.js';
import { deskOf, type House as Inner } from '../src/operators/house.js';
import { leaveQueue } from '../src/queue/leave.js';
import { decideAgentPlace } from '../src/queue/open.js';
import { emptyState } from '../src/queue/state.js';
import { systemRandom } from '../src/state/random.js';
import { ReleaseTickets } from '../src/tickets/release-tickets.js';
import { approveFront, askFor, call, front, greet, openHouse, refusal, type House, type Link } from './support/daemon.js';

interface Place {
  readonly house: House;
  readonly inner: Inner;
  readonly desk: Desk;
  readonly bridge: Link;
  readonly approve: Link;
}

const open = async (t: Test): Promise<Place> => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = house.totp.house;
  if (inner === null) throw new Error('sealed');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  return { house, inner, desk: deskOf(inner, 'default'), bridge, approve: await house.connect('approve/default') };
};

const thrownBy = (run: () => unknown): AirlockError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

const UNLOCK: Action = { verb: 'unlock', params: {} };
const leaseNo = (n: number, desk: Desk): RegisteredLease => ({
  ...{ id: `lease-${n}`, operator: 'default', role: 'default', session: 's-12345678', scopes: ['mail:read'], constraints: {} },
  ...{ intent: null, budget: null, issuedMs: desk.now().wallMs },
  ...{ expiresMs: desk.now().wallMs + 3_600_000, bootDeadlineMs: desk.now().bootMs + 3_600_000 },
});

t.test('no lease is approved or claimed above the most that can live, and the code is not used up', async (t) => {
  const { house, desk, bridge, approve } = await open(t);
  await call(approve, 'action.open', { verb: 'grant', params: { role: 'default', scopes: ['gmail'], ttlS: 3600 } });
  const { grant } = await approveFront(house, approve);
  await askFor(bridge);
  const before = desk.state;
  const leases = Array.from({ length: TOTP_LIMITS.maxLeases }, (_, n) => leaseNo(n, desk));
  desk.commit({ ...before, leases });
  const { lastStep } = desk.state;
  t.equal(await refusal(approveFront(house, approve)), 'UNAVAILABLE');
  t.equal(desk.state.lastStep, lastStep);
  const claim = { operator: 'default', grant: grant?.grant ?? '', role: 'default', session: 's-12345678' };
  t.equal(await refusal(call(bridge, 'grant.claim', claim)), 'UNAVAILABLE');
  desk.commit({ ...desk.state, leases: leases.slice(0, 1) });
  t.match(await call(bridge, 'grant.claim', claim), { lease: /^al1\./ }, 'negative control: the grant stands');
});

t.test('GRANT-1: a grant is not asked for beyond the places, with half a character or for longer than any lease', async (t) => {
  const { desk } = await open(t);
  const params = { role: 'default', scopes: ['gmail'], ttlS: 60 };
  t.match(thrownBy(() => checkGrant(desk, { ...params, intent: 'a\ud800' })).data, { field: 'params.intent' });
  t.match(thrownBy(() => checkGrant(desk, { ...params, ttlS: 10 ** 9 })).data, { field: 'params.ttlS' });
  t.match(checkGrant(desk, params), { scopes: ['gmail:read'] }, 'negative control');
  const one = { ...leaseNo(1, desk), id: 'g-1' };
  desk.commit({ ...desk.state, grants: Array.from({ length: TOTP_LIMITS.maxGrants }, (_, n) => ({ ...one, id: `g-${n}` })) });
  t.equal(thrownBy(() => checkGrant(desk, params)).code, 'RATE_LIMITED');
});

t.test('a lease is not asked for beyond the configured time or with half a character', async (t) => {
  const { desk } = await open(t);
  const params = { operator: 'default', role: 'default', session: 's-12345678', scopes: ['gmail'], constraints: {} };
  const ask = (more: object): AirlockError =>
    thrownBy(() => openLeaseRequest(desk, { ...params, reason: 'x', ttlS: 60, ...more }));
  t.match(ask({ ttlS: DEFAULT_CONFIG.leases.maxTtlS + 1 }).data, { field: 'params.ttlS' });
  t.match(ask({ reason: '\udc00' }).data, { field: 'params.reason' });
  t.match(ask({ intent: '\ud800' }).data, { field: 'params.reason' });
  t.equal(desk.state.front, null);
});

t.test('a lease keeps the hash of the intent it was approved for', async (t) => {
  const { house, desk, bridge, approve } = await open(t);
  await askFor(bridge, { intent: 'review' });
  await approveFront(house, approve);
  t.equal(desk.state.leases[0]?.intent, intentHash('review'));
});

t.test('an action has a verb of the list; where agent and operator are one user none shows a credential', async (t) => {
  t.match(thrownBy(() => parseAction('service.restore', {})).data, { field: 'params.verb' }, 'ours, never asked for');
  const house = await openHouse({ config: { ...DEFAULT_CONFIG, isolation: 'same-user' } });
  t.teardown(() => house.end());
  const approve = await house.connect('approve/default');
  const get = { verb: 'credentials.get', params: { service: 'mail', fields: ['password'] } };
  t.equal(await refusal(call(approve, 'action.open', get)), 'POLICY_DENIED');
});

t.test('an id that is waiting or was decided lately is not given out again', (t) => {
  const drawn = [...Array<number>(10).fill(0), ...Array<number>(10).fill(1), ...Array<number>(10).fill(2)];
  const below = (): number => drawn.shift() ?? 0;
  const state = {
    ...emptyState('boot'),
    front: { id: 'r-aaaaaaaaaa' },
    decided: [{ id: 'r-bbbbbbbbbb' }],
  };
  t.equal(freshId({ house: { random: { below } }, state } as never), 'r-cccccccccc');
  t.end();
});

t.test('QUEUE-11: who waits for an action is told once it is decided; no more wait than there are places', async (t) => {
  const { inner, desk } = await open(t);
  const held = new Set<{ readonly ms: number; readonly run: () => void }>();
  const after = (ms: number, run: () => void): { cancel: () => void } => {
    const one = { ms, run };
    held.add(one);
    return { cancel: () => void held.delete(one) };
  };
  const fire = (isMeant: (ms: number) => boolean): void => {
    for (const one of [...held].filter(({ ms }) => isMeant(ms))) one.run();
  };
  const waiters = new ActionWaiters({ ...inner, timers: { after } } as never);
  const openNew = (): string => openAction(desk, UNLOCK, {}).request.id;
  const first = openNew();
  t.same(waiters.wait(desk, first, 0, {}), { status: 'pending' });
  const early = waiters.wait(desk, first, 20, {});
  fire((ms) => ms === 20_000);
  t.same(await early, { status: 'pending' }, 'the time given is over');
  held.clear();
  const waits = Array.from({ length: TOTP_LIMITS.maxWaiters }, () => waiters.wait(desk, first, 50, {}));
  t.equal(thrownBy(() => waiters.wait(desk, first, 50, {})).code, 'RATE_LIMITED');
  denyRequests(desk, { request: first, reason: 'not now' });
  fire((ms) => ms < 1000);
  t.same(
    await Promise.all(waits.map((one) => Promise.resolve(one))),
    waits.map(() => ({ status: 'denied', reason: 'not now' })),
  );
  t.same(waiters.wait(desk, first, 50, {}), { status: 'denied', reason: 'not now' });
  const second = openNew();
  t.ok(waiters.wait(desk, second, 50, {}) instanceof Promise, 'their places are free again');
});

t.test('QUEUE-11: what an action gave goes to the terminal that opened it, and nowhere once that is gone', async (t) => {
  const { house, desk, approve } = await open(t);
  const [opener, other] = [{}, {}];
  const remove: Action = { verb: 'credentials.remove', params: { service: 'mail', fields: ['password'] } };
  for (const own of [opener, other]) {
    openAction(desk, remove, own);
    t.same(Object.keys(await approveFront(house, approve)), ['request'], 'no ticket for who only gave the code');
    house.clock.pass(60_000);
  }
  t.equal(desk.undelivered.size, 2);
  endOpener(desk, opener);
  t.same(
    [...desk.undelivered.values()].map((one) => one.opener === other),
    [true],
  );
  const { request } = openAction(desk, remove, opener);
  desk.openers.delete(request.id);
  t.same(await approveFront(house, approve), { request: request.id }, 'without one there is no ticket at all');
  t.equal(desk.undelivered.size, 1);
});

t.test('a denial of all leaves nothing in the queue', async (t) => {
  const { approve, bridge, desk } = await open(t);
  const asked = [await askFor(bridge), await askFor(bridge, { session: 's-other-123' })].map(({ request }) => request);
  t.same(await call(approve, 'request.deny', { all: true }), { denied: asked });
  t.same([desk.state.front, desk.state.waiting], [null, []]);
  t.equal(desk.state.coolOff['default']?.delayMs, 2 * TOTP_LIMITS.coolOffMs, 'QUEUE-8: doubled with the second one');
});

t.test('the oldest outcome is forgotten first, but never a lease that was not fetched', async (t) => {
  const { house, desk, bridge, approve } = await open(t);
  const { request: kept } = await askFor(bridge);
  await approveFront(house, approve);
  const now = desk.now();
  await askFor(bridge, { session: 's-other-123' });
  const asked = desk.state.front;
  if (asked === null) throw new Error('nothing is in front');
  const denied = { status: 'denied', reason: null, lease: null } as const;
  for (let n = 0; n < TOTP_LIMITS.maxDecided + 2; n += 1)
    desk.commit(leaveQueue({ ...desk.state, front: { ...asked, id: `r-${n}` } }, `r-${n}`, denied, now));
  const ids = desk.state.decided.map(({ id }) => id);
  t.equal(ids.length, TOTP_LIMITS.maxDecided);
  t.same(ids.slice(0, 2), [kept, 'r-3']);
  t.equal(leaveQueue(desk.state, 'r-nobody', denied, now), desk.state);
});

t.test('QUEUE-8: a locked operator has no place for an agent', async (t) => {
  const { desk } = await open(t);
  const state = emptyState('boot');
  t.equal(decideAgentPlace(state, 'default', desk.now()), null);
  t.equal(decideAgentPlace({ ...state, locked: true }, 'default', desk.now())?.code, 'LOCKED');
});

t.test('RELEASE-1: tickets that nobody uses are bounded, and their places come back with time', (t) => {
  const tickets = new ReleaseTickets(systemRandom, 0);
  const one = { operator: 'default', service: 'mail', lease: 'L' };
  for (let n = 0; n < TOTP_LIMITS.maxReleaseTickets; n += 1) tickets.issue(one, 0);
  t.equal(thrownBy(() => tickets.issue(one, 0)).code, 'UNAVAILABLE');
  t.type(tickets.issue(one, TOTP_LIMITS.releaseTicketTtlMs), 'string');
  t.end();
});

t.test('a socket of an operator who is not configured says so, and does nothing', async (t) => {
  const house = await openHouse({ alsoServed: ['approve/stray'] });
  t.teardown(() => house.end());
  const stray = await house.connect('approve/stray');
  t.match(await call(stray, 'status'), { enrolled: false });
  const codes: (ErrorCode | 'none')[] = [];
  for (const method of ['pending', 'lock', 'leases']) codes.push(await refusal(call(stray, method)));
  t.same(new Set(codes), new Set(['CONFIG_INVALID']));
  const answered = new Promise<number>((resolve) => {
    void house.connect('approve/stray', resolve).then((link) => {
      link.sendBinary(FRAME.SEAL_KEY_REQUEST, packBlobs(Buffer.alloc(0), Buffer.alloc(32)));
    });
  });
  t.equal(await answered, FRAME.REFUSED);
});

t.test('BRIDGE-4: nothing is answered before hello, and a terminal is told only what it subscribed to', async (t) => {
  const { house, bridge } = await open(t);
  t.equal(await refusal(call(await house.connect('bridge'), 'heartbeat')), 'NOT_AUTHENTICATED');
  const again = await house.connect('bridge');
  const hello: BridgeHelloResult = await greet(again);
  t.notOk('begunAnew' in hello);
  const [told, untold]: [string[], string[]] = [[], []];
  let heard: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (heard = resolve));
  const note = (list: string[]) => (method: string) => {
    list.push(method);
    heard();
  };
  const subscribed = await house.connect('approve/default', undefined, note(told));
  const silent = await house.connect('approve/default', undefined, note(untold));
  await call(subscribed, 'subscribe');
  const { request } = await askFor(again);
  await first;
  t.same([told, untold], [['request.fronted'], []]);
  t.equal((await front(silent)).id, request);
  bridge.close();
});

t.test('PRESENCE-7: a code for unlock waives what presence held', async (t) => {
  const { house, inner, desk, approve } = await open(t);
  t.match(inner.presence.view(desk), { heardS: null, available: null, sessions: null });
  const seen = { operator: 'default', sessions: 1, reasons: ['lock'], passed: [] } as const;
  inner.presence.report({ available: true, operators: [seen] });
  house.clock.pass(3000);
  t.match(inner.presence.view(desk), { heardS: 3, available: true, sessions: 1, reasons: ['lock'] });
  await call(approve, 'action.open', UNLOCK);
  await approveFront(house, approve);
  t.match(inner.presence.view(desk), { reasons: [], waived: ['lock'] });
  const off = { ...DEFAULT_CONFIG.presence, mode: 'off' } as const;
  t.same(
    notConfigured(presenceOf(desk.state), off),
    ['idle', 'lock', 'silent', 'sleep', 'switch'],
    'nothing is held with it off',
  );
});

t.test('PRESENCE-3: a grant that was frozen becomes a lease that needs a code for what it writes', async (t) => {
  const { house, desk, bridge, approve } = await open(t);
  await call(approve, 'action.open', { verb: 'grant', params: { role: 'default', scopes: ['gmail'], ttlS: 3600 } });
  const { grant } = await approveFront(house, approve);
  desk.commit({ ...frozenState(desk.state, NO_PRESENCE) });
  const claim = { operator: 'default', grant: grant?.grant, role: 'default', session: 's-12345678' };
  await call(bridge, 'grant.claim', claim);
  t.equal(desk.state.leases[0]?.stepUp, true);
});

t.test('ROTATE-3: an approved rotation changes the keys, and the key of before goes with its last lease', async (t) => {
  const { house, inner, desk, bridge, approve } = await open(t);
  const { request } = await askFor(bridge);
  const { lease } = await approveFront(house, approve);
  await call(bridge, 'request.take', { request });
  const { kid } = inner.leaseKey;
  house.clock.pass(60_000);
  await call(approve, 'action.open', { verb: 'rotate', params: {} });
  t.same(Object.keys(await approveFront(house, approve)), ['request']);
  t.not(inner.leaseKey.kid, kid);
  t.equal(desk.secrets?.totp.length, 2);
  t.equal(inner.leaseKey.earlier.length, 1);
  let told = 0;
  inner.rotatedListeners.add(() => void (told += 1));
  await call(approve, 'revoke', { lease: lease?.id });
  t.same([inner.leaseKey.earlier.length, told], [0, 1]);
});

t.test(
  'ROTATE-2, ROTATE-4: a lease not fetched yet outlives a rotation under the new key; one that ends leases ends all',
  async (t) => {
    const { house, inner, desk, bridge, approve } = await open(t);
    const { request } = await askFor(bridge);
    await approveFront(house, approve);
    const rotate = async (params: object): Promise<void> => {
      house.clock.pass(60_000);
      await call(approve, 'action.open', { verb: 'rotate', params });
      await approveFront(house, approve);
    };
    await rotate({});
    t.equal(desk.state.leases.length, 1);
    t.same(inner.leaseKey.earlier, [], 'nothing lives of the key of before');
    t.match(await call(bridge, 'request.take', { request }), { lease: /^al1\./ });
    await rotate({ endLeases: true });
    t.same([desk.state.leases, inner.leaseKey.earlier], [[], []]);
  },
);

t.test('ROTATE-3: at the ninth rotation the lease of the oldest key ends, and no other', async (t) => {
  const { house, desk, bridge, approve } = await open(t);
  const ids: (string | undefined)[] = [];
  for (let n = 0; n < 9; n += 1) {
    const { request } = await askFor(bridge, { session: `s-number-${n}`, ttlS: 28_800 });
    ids.push((await approveFront(house, approve)).lease?.id);
    await call(bridge, 'request.take', { request });
    await call(approve, 'action.open', { verb: 'rotate', params: {} });
    await approveFront(house, approve);
    t.same(
      desk.state.leases.map(({ id }) => id),
      n < 8 ? ids : ids.slice(1),
      `rotation ${n + 1}`,
    );
  }
});

t.test('ROTATE-3: a key of before that cannot be dropped seals', async (t) => {
  const { inner } = await open(t);
  const keepOnly = (): never => {
    throw new AirlockError('VAULT_UNREADABLE', 'full');
  };
  dropEarlierKeys({ ...inner, leaseKey: { ...inner.leaseKey, keepOnly } });
  t.match(inner.sealed(), { code: 'VAULT_UNREADABLE' });
});

t.test('QUEUE-5: the floor rises with a new boot too, where a request had just left', async (t) => {
  const { desk, bridge, approve } = await open(t);
  await askFor(bridge);
  await call(approve, 'request.deny', {});
  const { step } = desk.now();
  const now = { ...desk.now(), bootId: 'boot2', step: step + 10 };
  t.equal(reviveState(desk.state, now).state.floorStep, step + 10 + TOTP_LIMITS.floorSteps);
  const { floorStep } = desk.state;
  t.equal(reviveState({ ...desk.state, leftBootMs: null }, now).state.floorStep, floorStep, 'negative control');
});
