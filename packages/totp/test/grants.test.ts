/** GRANT-1 to GRANT-6, as far as airlock-totp decides them. */
import t, { type Test } from 'tap';
import { parseLease } from '@airlock/lease';
import {
  intentHash,
  type ActionOpenResult,
  type ActionWaitResult,
  type ClaimedGrant,
  type GrantView,
  type LeaseView,
} from '@airlock/protocol';
import { approveFront, call, front, greet, openHouse, refusal, type House, type Link } from './support/daemon.js';

interface Pair {
  readonly house: House;
  readonly link: Link;
  readonly bridge: Link;
}

const open = async (t: Test): Promise<Pair> => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const [link, bridge] = [await house.connect('approve/default'), await house.connect('bridge')];
  await greet(bridge);
  return { house, link, bridge };
};

const ask = (link: Link, more: object = {}): Promise<ActionOpenResult> =>
  call<ActionOpenResult>(link, 'action.open', {
    verb: 'grant',
    params: { role: 'default', scopes: ['gmail'], ttlS: 3600, ...more },
  });

const grant = async ({ house, link }: Pair, more: object = {}): Promise<GrantView> => {
  await ask(link, more);
  const { grant: view } = await approveFront(house, link);
  if (view === undefined) throw new Error('nothing was granted');
  return view;
};

const claim = ({ bridge }: Pair, id: string, more: object = {}): Promise<ClaimedGrant> =>
  call<ClaimedGrant>(bridge, 'grant.claim', { operator: 'default', grant: id, role: 'default', session: 's-12345678', ...more });

const leases = async (link: Link): Promise<readonly LeaseView[]> =>
  (await call<{ leases: readonly LeaseView[] }>(link, 'leases')).leases;

t.test('GRANT-1: a grant holds what was shown, and there is none before the code', async (t) => {
  const pair = await open(t);
  await ask(pair.link, { intent: 'review', calls: 9 });
  t.match((await front(pair.link)).text, 'intent   "review"\n  limits   at most 9 calls');
  t.same(await leases(pair.link), []);
  const { grant: view } = await approveFront(pair.house, pair.link);
  t.match(view, { role: 'default', scopes: ['gmail:read'] });
  t.match(view?.grant, /^g-[A-Za-z0-9_-]{22}$/);
  const listed = await leases(pair.link);
  t.match(listed, [{ id: view?.grant, session: null, unclaimed: true, expiresAt: view?.expiresAt }]);
  const { lease, intent } = await claim(pair, view?.grant ?? '');
  t.equal(intent, 'review');
  const { payload } = parseLease(lease);
  t.match(payload, { role: 'default', session: 's-12345678', scopes: ['gmail:read'], budget: { calls: 9 } });
  t.equal(payload.intent, intentHash('review'));
});

t.test('GRANT-2: claimed once, also across a restart', async (t) => {
  const pair = await open(t);
  const { grant: id } = await grant(pair);
  const claims = await Promise.all([claim(pair, id), refusal(claim(pair, id, { session: 's-other-123' }))]);
  t.equal(claims[1], 'NOT_FOUND');
  await pair.house.restart();
  const bridge = await pair.house.connect('bridge');
  const { grants, leases: live } = await greet(bridge);
  t.same(grants, []);
  t.equal(live.length, 1);
  t.equal(await refusal(claim({ ...pair, bridge }, id)), 'NOT_FOUND');
});

t.test('GRANT-3: it ends when what was approved ends, on either clock, claimed or not', async (t) => {
  const pair = await open(t);
  const { grant: id, expiresAt } = await grant(pair);
  pair.house.clock.pass(50 * 60_000);
  const { lease, expiresAt: ends } = await claim(pair, id);
  t.equal(ends, expiresAt, 'claiming late prolongs nothing');
  t.equal(parseLease(lease).payload.expiresMs, Date.parse(expiresAt));
  const wall = await grant(pair);
  pair.house.clock.wall += 3_600_000;
  t.equal(await refusal(claim(pair, wall.grant)), 'NOT_FOUND', 'wall clock');
  const boot = await grant(pair);
  pair.house.clock.boot += 3_600_000;
  pair.house.clock.wall -= 60_000;
  t.equal(await refusal(claim(pair, boot.grant)), 'NOT_FOUND', 'boot clock, the wall clock set back');
  await grant(pair);
  pair.house.bootId = 'boot2';
  await pair.house.restart({});
  t.same((await greet(await pair.house.connect('bridge'))).grants, [], 'a reboot');
});

t.test('GRANT-4: revoked it is gone, locked it is held back, a restart leaves it', async (t) => {
  const pair = await open(t);
  const [one, two] = [await grant(pair), await grant(pair)];
  t.same(await call(pair.link, 'revoke', { lease: one.grant }), { revoked: [one.grant] });
  t.equal(await refusal(claim(pair, one.grant)), 'NOT_FOUND');
  await call(pair.link, 'lock');
  t.equal(await refusal(claim(pair, two.grant)), 'LOCKED');
  await call(pair.link, 'action.open', { verb: 'unlock', params: {} });
  await approveFront(pair.house, pair.link);
  await pair.house.restart();
  const [link, bridge] = [await pair.house.connect('approve/default'), await pair.house.connect('bridge')];
  const later = { ...pair, link, bridge };
  t.match((await greet(bridge)).grants, [{ id: two.grant }]);
  const three = await grant(later);
  t.equal(await refusal(claim(later, two.grant)), 'none', 'negative control');
  t.match(await call<{ revoked: string[] }>(link, 'revoke', { all: true }), { revoked: [String, three.grant] });
  t.same(await leases(link), []);
});

t.test('GRANT-5: another role is answered as if it were not there', async (t) => {
  const pair = await open(t);
  const { grant: id } = await grant(pair);
  t.equal(await refusal(claim(pair, id, { role: 'other' })), 'NOT_FOUND');
  t.equal(await refusal(claim(pair, `g-${'A'.repeat(22)}`)), 'NOT_FOUND');
  t.equal(await refusal(claim(pair, id)), 'none', 'negative control, and the tries used nothing up');
});

t.test('GRANT-6: what cannot be granted is refused before a code', async (t) => {
  const { link } = await open(t);
  t.equal(await refusal(ask(link, { role: 'nobody' })), 'PARAMS_INVALID');
  t.equal(await refusal(ask(link, { role: 'operator' })), 'PARAMS_INVALID');
  t.equal(await refusal(ask(link, { ttlS: 86_400 })), 'PARAMS_INVALID');
  t.equal(await refusal(ask(link, { scopes: ['Gmail'] })), 'PARAMS_INVALID');
  t.equal(await refusal(ask(link, { scopes: [] })), 'PARAMS_INVALID');
  t.equal(await refusal(ask(link, { calls: 0 })), 'PARAMS_INVALID');
  t.equal((await call<{ front: unknown }>(link, 'pending')).front, null);
});

t.test('QUEUE-11: approved at another terminal, the one that asked is told once', async (t) => {
  const pair = await open(t);
  const { request } = await ask(pair.link);
  const other = await pair.house.connect('approve/default');
  const approved = await approveFront(pair.house, other);
  t.match(approved, { request: request.id, grant: { role: 'default' } });
  const told = await call<ActionWaitResult>(pair.link, 'action.wait', { request: request.id, timeoutS: 1 });
  t.same(told, { status: 'approved', grant: approved.grant });
  t.same(await call(pair.link, 'action.wait', { request: request.id, timeoutS: 0 }), { status: 'approved' });
});

t.test('GRANT-1: constraints and bytes are shown in words, kept, and in the lease that is claimed', async (t) => {
  const pair = await open(t);
  const constraints = { folders: ['Sent', 'INBOX'], since: '2026-01-01', before: '2026-03-01', maxRisk: 250 };
  await ask(pair.link, { bytes: 5000, constraints });
  const { text } = await front(pair.link);
  for (const words of [
    'only folders "INBOX", "Sent"',
    'nothing before 2026-01-01',
    'only before 2026-03-01',
    'only results of a risk up to 0.250',
    'at most 5000 bytes of results',
  ])
    t.ok(text.includes(words), words);
  const { grant: view } = await approveFront(pair.house, pair.link);
  const { payload } = parseLease((await claim(pair, view?.grant ?? '')).lease);
  t.same(payload.constraints, { ...constraints, folders: ['INBOX', 'Sent'] });
  t.same(payload.budget, { bytes: 5000 });
});

t.test('LEASE-8: a grant with a constraint that nobody knows is not put before anybody', async (t) => {
  const pair = await open(t);
  for (const constraints of [{ colour: 'red' }, { maxRisk: 2000 }, { since: 'yesterday' }])
    await t.rejects(ask(pair.link, { constraints }), { code: 'PARAMS_INVALID' }, JSON.stringify(constraints));
});
