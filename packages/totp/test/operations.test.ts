/** OPERATION-1 to OPERATION-5: one operation, shown whole, approved once, taken once. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { fileURLToPath } from 'node:url';
import { OPERATOR_ROLE, digestOf, type OpenRequestResult, type TakenOperation } from '@airlock/protocol';
import { openOperation } from '../src/operators/operations.js';
import { decideRelease } from '../src/release/grant.js';
import { operationText } from '../src/text/operation-text.js';
import { approveFront, askFor, call, front, greet, openHouse, refusal, type House, type Link } from './support/daemon.js';

const PARAMS = { to: ['ada@example.org'], body: 'Hello Ada,\nsee you.' };

interface Pair {
  readonly house: House;
  readonly link: Link;
  readonly bridge: Link;
  readonly lease: string;
}

const open = async (t: Test): Promise<Pair> => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const [link, bridge] = [await house.connect('approve/default'), await house.connect('bridge')];
  await greet(bridge);
  await askFor(bridge, { role: 'default', session: 's-12345678', scopes: ['mail:write'] });
  const { lease } = await approveFront(house, link);
  house.clock.pass(60_000);
  return { house, link, bridge, lease: lease?.id ?? '' };
};

const ask = ({ bridge, lease }: Pair, more: object = {}): Promise<OpenRequestResult> =>
  call<OpenRequestResult>(bridge, 'operation.open', {
    ...{ operator: 'default', role: 'default', session: 's-12345678', lease, service: 'mail' },
    ...{ operation: 'send_message', class: 'write', params: PARAMS, ...more },
  });

const take = (bridge: Link, request: string): Promise<TakenOperation> =>
  call<TakenOperation>(bridge, 'operation.take', { request });

t.test('OPERATION-2: the text is that of the spec, byte by byte', (t) => {
  const text = operationText({
    ...{ id: 'r-k3m9qz7w2p', role: 'default', session: '9f2kq1', lease: 'AAECAwQFBgcICQoLDA0ODw' },
    ...{ service: 'mail', operation: 'send_message', class: 'write', params: PARAMS, match: '07' },
  });
  const spec = readFileSync(fileURLToPath(new URL('../../../../docs/spec/approval.md', import.meta.url)), 'utf8');
  t.ok(spec.includes(`\`\`\`\n${text}\n\`\`\``));
  t.notOk(spec.includes(text.replace('ada@', 'eve@')), 'negative control');
  t.end();
});

t.test(
  'OPERATION-1, OPERATION-5: taken once after the code, also across a restart, with the digest of what was shown',
  async (t) => {
    const pair = await open(t);
    const { request } = await ask(pair);
    t.match((await front(pair.link)).text, 'body, line 2 of 2 = "see you."\n           to[0] = "ada@example.org"');
    t.equal(await refusal(take(pair.bridge, request)), 'APPROVAL_EXPIRED', 'not before the code');
    await approveFront(pair.house, pair.link);
    await pair.house.restart();
    const bridge = await pair.house.connect('bridge');
    await greet(bridge);
    const taken = await take(bridge, request);
    t.equal(taken.digest, digestOf({ operation: 'send_message', params: PARAMS, service: 'mail' }));
    t.equal(await refusal(take(bridge, request)), 'APPROVAL_EXPIRED');
    await pair.house.restart();
    const again = await pair.house.connect('bridge');
    await greet(again);
    t.equal(await refusal(take(again, request)), 'APPROVAL_EXPIRED');
  },
);

t.test('OPERATION-3: equal ones are one; another lease, session or class has none; too long is refused', async (t) => {
  const pair = await open(t);
  const { request } = await ask(pair);
  t.match(await ask(pair), { request, merged: true });
  t.match(await ask(pair, { params: { ...PARAMS, body: 'x' } }), { merged: false });
  t.equal(await refusal(ask(pair, { session: 's-other-123' })), 'LEASE_INVALID');
  t.equal(await refusal(ask(pair, { class: 'read' })), 'LEASE_SCOPE');
  t.equal(await refusal(ask(pair, { params: { body: 'x'.repeat(5000) } })), 'PARAMS_INVALID');
});

t.test('OPERATION-2: what has no canonical form or is far too long is refused before it is laid out', async (t) => {
  const pair = await open(t);
  const problemOf = (params: object): Promise<unknown> => ask(pair, { params }).catch((error: unknown) => error);
  const inner = pair.house.totp.house;
  if (inner === null) throw new Error('sealed');
  const half = { operator: 'default', role: 'default', session: 's-12345678', lease: pair.lease, service: 'mail' };
  t.throws(() => openOperation(inner, { ...half, operation: 'send_message', class: 'write', params: { body: 'a\ud800' } }), {
    code: 'PARAMS_INVALID',
    message: /no canonical form/,
  });
  t.match(await problemOf({ body: 'x'.repeat(9000) }), { code: 'PARAMS_INVALID', message: /are 9011 bytes/ });
  t.equal((await call<{ front: unknown }>(pair.link, 'pending')).front, null);
});

t.test('OPERATION-5: of two approved operations the one that is named is taken, the other stays', async (t) => {
  const pair = await open(t);
  const approved: string[] = [];
  for (const body of ['one', 'two']) {
    approved.push((await ask(pair, { params: { ...PARAMS, body } })).request);
    await approveFront(pair.house, pair.link);
    pair.house.clock.pass(60_000);
  }
  const [one = '', two = ''] = approved;
  await take(pair.bridge, two);
  t.equal(await refusal(take(pair.bridge, two)), 'APPROVAL_EXPIRED');
  t.equal(await refusal(take(pair.bridge, one)), 'none');
});

t.test("an operation of the operator's own session takes one of the operator's places", async (t) => {
  const pair = await open(t);
  await askFor(pair.bridge, { role: OPERATOR_ROLE, scopes: ['mail:write'] });
  const { lease } = await approveFront(pair.house, pair.link);
  const own = { role: OPERATOR_ROLE, lease: lease?.id };
  const { request } = await ask(pair, own);
  t.equal((await front(pair.link)).id, request);
  for (const body of ['1', '2', '3']) await ask(pair, { ...own, params: { ...PARAMS, body } });
  t.equal(await refusal(ask(pair, { ...own, params: { ...PARAMS, body: '4' } })), 'RATE_LIMITED', 'four places');
});

t.test('OPERATION-4: lock, revocation and ten minutes end an approval', async (t) => {
  const ends: Readonly<Record<string, (pair: Pair) => Promise<unknown>>> = {
    lock: ({ link }) => call(link, 'lock'),
    revoke: ({ link, lease }) => call(link, 'revoke', { lease }),
    time: ({ house }) => Promise.resolve(house.clock.pass(600_000)),
  };
  for (const [name, end] of Object.entries(ends)) {
    const pair = await open(t);
    const { request } = await ask(pair);
    await approveFront(pair.house, pair.link);
    await end(pair);
    t.match(await refusal(take(pair.bridge, request)), /^(APPROVAL_EXPIRED|LEASE_EXPIRED)$/, name);
  }
});

t.test('QUEUE-8: an approval sets the cool-off back, and a denial begins it anew', async (t) => {
  const pair = await open(t);
  const denied = async (body: string): Promise<void> => {
    await ask(pair, { params: { body } });
    await call(pair.link, 'request.deny');
    t.equal(await refusal(ask(pair)), 'RATE_LIMITED');
    pair.house.clock.pass(5000);
  };
  await denied('first');
  await ask(pair);
  pair.house.clock.pass(60_000);
  await approveFront(pair.house, pair.link);
  await denied('second');
  t.equal(await refusal(ask(pair)), 'none', 'five seconds, not ten');
});

t.test('OPERATION-4: the key of an approved operation is released for two minutes, that of its lease to its end', (t) => {
  const lease = { id: 'L', scopes: ['mail:write'], constraints: {}, expiresMs: 1_000_000, bootDeadlineMs: 900_000 };
  const desk = (wallMs: number, bootMs: number) =>
    ({ state: { locked: false, leases: [lease], operations: [{ request: 'r' }] }, now: () => ({ wallMs, bootMs }) }) as never;
  const ticket = { operator: 'default', service: 'mail', lease: 'L' };
  const approved = { request: 'r', operation: 'send', digest: 'd', class: 'write' } as never;
  t.match(decideRelease(desk(0, 0), ticket), { deadlineWallMs: 1_000_000, deadlineBootMs: 900_000 });
  t.match(decideRelease(desk(0, 5), { ...ticket, approved }), { deadlineWallMs: 120_000, deadlineBootMs: 120_005 });
  t.match(decideRelease(desk(950_000, 850_000), { ...ticket, approved }), { deadlineWallMs: 1_000_000, deadlineBootMs: 900_000 });
  t.end();
});

t.test('UNATTENDED-3, PRESENCE-3: writes without a code are those of the service, and none once the lease was frozen', (t) => {
  const lease = { id: 'L', scopes: ['mail:write'], constraints: {}, expiresMs: 1, bootDeadlineMs: 1 };
  const decide = (more: object): object =>
    decideRelease(
      {
        state: { locked: false, leases: [{ ...lease, unattended: ['calendar:add', 'mail:send'], ...more }] },
        now: () => ({ wallMs: 0, bootMs: 0 }),
      } as never,
      { operator: 'default', service: 'mail', lease: 'L' },
    );
  t.match(decide({}), { unattended: ['send'] });
  t.notOk('unattended' in decide({ stepUp: true }));
  t.notOk('unattended' in decide({ unattended: ['calendar:add'] }));
  t.end();
});
