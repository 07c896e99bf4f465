/** What airlock-totp refuses at its own sockets, and that the error says what was wrong. Nothing of it changes anything. */
import t, { type Test } from 'tap';
import { AirlockError, FRAME, packBlobs, type Action, type RequestState } from '@airlock/protocol';
import { exchangeKey } from '../src/approve/keys.js';
import { deskOf, type House as Inner } from '../src/operators/house.js';
import { lockOperator } from '../src/operators/deny.js';
import { TOTP_LIMITS } from '../src/limits.js';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  connectExchanging,
  front,
  greet,
  openHouse,
  refusal,
  refusedWith,
  type House,
  type Link,
} from './support/daemon.js';

interface Place {
  readonly house: House;
  readonly inner: Inner;
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
  return { house, inner, bridge, approve: await house.connect('approve/default') };
};

/** Code and message of what a promise rejects with. */
const said = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing',
    (thrown: unknown) => (thrown instanceof AirlockError ? `${thrown.code}: ${thrown.message}` : String(thrown)),
  );

t.test('what is denied, revoked or waited for has to exist', async (t) => {
  const { approve, bridge } = await open(t);
  t.equal(await said(call(approve, 'request.deny', { request: 'r-nothing222' })), 'NOT_FOUND: no such request waits');
  t.equal(await said(call(approve, 'revoke', {})), 'PARAMS_INVALID: neither a lease nor all');
  t.equal(await said(call(approve, 'revoke', { lease: 'A'.repeat(22) })), 'NOT_FOUND: no live lease or grant has this id');
  t.equal(await said(call(approve, 'action.wait', { request: 'r-nothing222', timeoutS: 0 })), 'NOT_FOUND: no action has this id');
  t.equal(await refusal(call(bridge, 'request.get', { request: 'r-nothing222' })), 'NOT_FOUND');
  const { request } = await askFor(bridge);
  t.same(await call(approve, 'request.deny', {}), { denied: [request] }, 'the front, where none is named');
});

t.test('a lease that was denied or ran out is not delivered, and the error says which', async (t) => {
  const { house, approve, bridge } = await open(t);
  const denied = await askFor(bridge);
  await call(approve, 'request.deny', { request: denied.request, reason: 'no' });
  t.equal(await said(call(bridge, 'request.take', { request: denied.request })), 'APPROVAL_DENIED: the request was denied');
  house.clock.pass(3_600_000);
  const late = await askFor(bridge);
  house.clock.pass(3_600_000);
  t.equal((await call<RequestState>(bridge, 'request.get', { request: late.request })).status, 'expired');
  t.equal(await said(call(bridge, 'request.take', { request: late.request })), 'APPROVAL_EXPIRED: the request is over');
});

t.test('QUEUE-3: a good code for what is over, denied or not in front is used up, and the error says why', async (t) => {
  const { house, approve, bridge } = await open(t);
  const submit = async (request: string): Promise<string> => {
    house.clock.pass(120_000);
    const shown = { request, digest: '0'.repeat(64), match: '00', code: codeNow(house) };
    return said(call(approve, 'request.approve', shown));
  };
  const denied = await askFor(bridge);
  await call(approve, 'request.deny', { request: denied.request });
  t.equal(await submit(denied.request), 'APPROVAL_DENIED: the request was denied before');
  t.equal(await submit('r-nothing222'), 'PARAMS_INVALID: the request is not in front');
  house.clock.pass(3_600_000);
  const late = await askFor(bridge);
  house.clock.pass(3_600_000);
  await call(approve, 'pending');
  t.equal(await submit(late.request), 'APPROVAL_EXPIRED: the request is over');
});

t.test('QUEUE-7: places of agents and of the operator are counted apart, and a full queue names the time it frees', async (t) => {
  const { inner, approve, bridge } = await open(t);
  const desk = deskOf(inner, 'default');
  for (let n = 0; n < TOTP_LIMITS.maxRoleRequests; n += 1) await askFor(bridge, { session: `s-place-${n}` });
  t.match(await said(askFor(bridge, { session: 's-more' })), /^RATE_LIMITED: 3 requests of role default wait already/);
  const [one] = desk.state.waiting;
  if (one === undefined) throw new Error('nothing waits');
  const others = Array.from({ length: 6 }, (_, n) => ({ ...one, id: `r-other${n}2222`, role: `role${n}`, match: `8${n}` }));
  desk.commit({ ...desk.state, waiting: [...desk.state.waiting, ...others] });
  desk.commit({ ...desk.state, front: desk.state.front && { ...desk.state.front, role: 'another' } });
  t.match(await said(askFor(bridge, { session: 's-more' })), /^RATE_LIMITED: 9 requests wait already/);
  for (let n = 0; n < TOTP_LIMITS.maxOperatorRequests; n += 1) await call(approve, 'action.open', { verb: 'unlock', params: {} });
  t.equal(
    await said(call(approve, 'action.open', { verb: 'unlock', params: {} })),
    `RATE_LIMITED: ${TOTP_LIMITS.maxOperatorRequests} requests of the operator wait already`,
  );
});

t.test('RELEASE-9, RELEASE-10: a key exchange wants the frame, the ticket and the action that belong together', async (t) => {
  const { inner, house } = await open(t);
  const desk = deskOf(inner, 'default');
  const me = {};
  const exchange = (type: number, ...blobs: readonly Uint8Array[]): string => {
    return refusedWith(exchangeKey(desk, type, packBlobs(Buffer.alloc(0), ...blobs), me))?.code ?? 'answered';
  };
  const ticketOf = (action: Action): Buffer =>
    Buffer.from(inner.actionTickets.issue('default', action, 'r-1', me, desk.now()) ?? '', 'base64url');
  const empty = Buffer.alloc(0);
  const destination = { kind: 'imap', user: 'ada', origins: [{ scheme: 'imaps', host: 'mail.example.org', port: 993 }] };
  const add: Action = { verb: 'credentials.add', params: { service: 'a', kind: 'imap', destination, fields: [], test: false } };
  t.equal(exchange(FRAME.SEAL_KEY_REQUEST), 'FRAME_INVALID', 'no ticket');
  t.equal(exchange(FRAME.OPEN_KEY_REQUEST, empty, empty), 'FRAME_INVALID', 'two of three blobs');
  t.equal(exchange(FRAME.SEAL_KEY_REQUEST, Buffer.alloc(32)), 'NOT_AUTHENTICATED', 'a ticket that nobody issued');
  t.equal(
    exchange(FRAME.SEAL_KEY_REQUEST, ticketOf({ verb: 'unlock', params: {} })),
    'NOT_AUTHENTICATED',
    'an action that seals nothing',
  );
  t.equal(exchange(FRAME.OPEN_KEY_REQUEST, ticketOf(add), empty, empty), 'NOT_AUTHENTICATED', 'an action that opens nothing');
  t.equal(exchange(FRAME.SEAL_KEY_REQUEST, ticketOf(add)), 'answered', 'negative control');
  t.equal(
    exchangeKey(null, FRAME.SEAL_KEY_REQUEST, Buffer.alloc(0), me).type,
    FRAME.REFUSED,
    'an operator that is not configured',
  );
  const kept = ticketOf(add);
  lockOperator(desk, 'test');
  t.equal(exchange(FRAME.SEAL_KEY_REQUEST, kept), 'LOCKED');
  await house.restart();
});

t.test('RELEASE-5: release.sock answers one well-formed request, and closes on anything else', async (t) => {
  const { house } = await open(t);
  const empty = Buffer.alloc(0);
  const frames: readonly (readonly [number, Buffer])[] = [
    [FRAME.RELEASE_REQUEST, Buffer.from('nothing of ours')],
    [FRAME.RELEASE_REQUEST, packBlobs(empty, empty)],
    [FRAME.RELEASE_REQUEST, packBlobs(empty, empty, empty, empty, Buffer.from('fourth'))],
    [FRAME.SEAL_KEY_REQUEST, packBlobs(empty, empty, empty, empty)],
  ];
  for (const [type, payload] of frames) {
    const { exchange } = await connectExchanging(house, 'release');
    t.equal(refusedWith(await exchange(type, payload))?.code, 'FRAME_INVALID');
  }
});

t.test('a lease is named in the answer of its approval, and the next code is not below it', async (t) => {
  const { house, approve, bridge } = await open(t);
  const { request } = await askFor(bridge);
  t.equal((await front(approve)).id, request);
  t.match((await approveFront(house, approve)).lease, { id: /^[A-Za-z0-9_-]{22}$/ });
});
