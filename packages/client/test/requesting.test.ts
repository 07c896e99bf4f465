/** Asking for access, typed handles, giving it back. */
import t, { type Test } from 'tap';
import {
  AirlockError,
  connectAirlock,
  isAirlockError,
  leaseFacts,
  type AccessRequestResult,
  type AgentGrant,
  type Airlock,
} from '../src/index.js';
import { EXPIRES_AT, fakeGateway, type FakeGateway, type FakeOptions } from './fake-gateway.js';

interface Pair {
  readonly gateway: FakeGateway;
  readonly airlock: Airlock;
}

const open = async (test: Test, options?: FakeOptions): Promise<Pair> => {
  const gateway = await fakeGateway(options);
  const airlock = await connectAirlock({ env: gateway.env });
  test.teardown(async () => {
    await airlock.close();
    await gateway.remove();
  });
  return { gateway, airlock };
};

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (thrown: unknown) => (isAirlockError(thrown) ? thrown.code : String(thrown)),
  );

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

t.test('after requestAccess the services stand on the client itself', async (test) => {
  const { gateway, airlock } = await open(test);
  await airlock.requestAccess(ASK);
  const page = await airlock.gmail.listMessages({ limit: 10 });
  test.same(page, { operation: 'list_messages', params: { limit: 10 } });
  test.match(gateway.calls('call'), [{ service: 'gmail', operation: 'list_messages', params: { limit: 10 } }]);
});

t.test('before requestAccess a call says what to ask for', async (test) => {
  const { airlock } = await open(test);
  await test.rejects(airlock.gmail.countUnread(), { code: 'LEASE_INVALID', data: { hint: /requestAccess.*gmail:read/ } });
});

t.test('onPending gets the match number before the decision', async (test) => {
  const { gateway, airlock } = await open(test, { mode: 'ask' });
  const seen: AccessRequestResult[] = [];
  const onPending = (request: AccessRequestResult): void => {
    seen.push(request);
    gateway.decide(request.request, 'approved');
  };
  const access = await airlock.requestAccess({ ...ASK, ttlS: 600, constraints: { folders: ['INBOX'] }, onPending });
  test.match(seen, [{ match: '07', status: 'pending' }]);
  test.equal(access.expiresAt, EXPIRES_AT);
  test.same(access.scopes, ['gmail:read']);
  test.match(access.id, /^[A-Za-z0-9_-]{22}$/);
  test.same(gateway.calls('access.request'), [{ ...ASK, ttlS: 600, constraints: { folders: ['INBOX'] } }]);
});

t.test('a denied and an expired request reject with their code and reason', async (test) => {
  const { gateway, airlock } = await open(test, { mode: 'deny' });
  await test.rejects(airlock.requestAccess(ASK), { code: 'APPROVAL_DENIED', message: /not now/ });
  gateway.mode = 'expire';
  test.equal(await codeOf(airlock.requestAccess(ASK)), 'APPROVAL_EXPIRED');
});

t.test('the intent of the request goes along with every call', async (test) => {
  const { gateway, airlock } = await open(test);
  const access = await airlock.requestAccess({ ...ASK, intent: 'find the ACME invoice' });
  await access.gmail.search({ text: 'ACME' });
  test.match(gateway.calls('call'), [{ context: { intent: 'find the ACME invoice' } }]);
});

t.test('withAccess releases, whatever the work does', async (test) => {
  const { gateway, airlock } = await open(test);
  const unread = await airlock.withAccess(ASK, async (access) => (await access.gmail.countUnread()).unread);
  test.equal(unread, 3);
  test.equal(gateway.released.length, 1);
  const failing = airlock.withAccess(ASK, async () => {
    throw new Error('work failed');
  });
  await test.rejects(failing, { message: 'work failed' });
  test.equal(gateway.released.length, 2);
});

t.test('asyncDispose and close release once; later calls are refused', async (test) => {
  const { gateway, airlock } = await open(test);
  const access = await airlock.requestAccess(ASK);
  await access[Symbol.asyncDispose]();
  await access.release();
  test.equal(gateway.released.length, 1);
  test.equal(await codeOf(access.gmail.countUnread()), 'LEASE_REVOKED');
  await airlock.requestAccess(ASK);
  await airlock.close();
  test.equal(gateway.released.length, 2);
  test.equal(await codeOf(airlock.status()), 'UNAVAILABLE');
});

t.test('an ended lease is refused here, with the code of its end', async (test) => {
  const { gateway, airlock } = await open(test);
  const access = await airlock.requestAccess(ASK);
  const ended = new Promise<void>((resolve) => airlock.events.once('lease.ended', () => resolve()));
  gateway.notify({ method: 'lease.ended', params: { lease: access.id, why: 'expired' } });
  await ended;
  test.equal(access.ended, 'expired');
  test.equal(await codeOf(access.gmail.countUnread()), 'LEASE_EXPIRED');
  test.equal(await codeOf(airlock.gmail.countUnread()), 'LEASE_INVALID');
  test.equal(gateway.calls('call').length, 0);
});

t.test('notifications arrive as events', async (test) => {
  const { gateway, airlock } = await open(test);
  const decided = new Promise((resolve) => airlock.events.once('access.decided', resolve));
  const expiring = new Promise((resolve) => airlock.events.once('lease.expiring', resolve));
  await airlock.status();
  gateway.notify({ method: 'access.decided', params: { request: 'r-9', status: 'approved' } });
  gateway.notify({ method: 'lease.expiring', params: { lease: 'l-9', expiresAt: EXPIRES_AT } });
  test.same(await decided, { request: 'r-9', status: 'approved' });
  test.same(await expiring, { lease: 'l-9', expiresAt: EXPIRES_AT });
});

t.test('aborting ends the waiting; a lease that comes after it is given back', async (test) => {
  const { gateway, airlock } = await open(test, { mode: 'ask' });
  const controller = new AbortController();
  let id = '';
  const asked = airlock.requestAccess({
    ...ASK,
    signal: controller.signal,
    onPending: ({ request }) => {
      id = request;
    },
  });
  while (gateway.calls('access.wait').length === 0) await new Promise(setImmediate);
  controller.abort(new Error('changed my mind'));
  await test.rejects(asked, { message: 'changed my mind' });
  gateway.decide(id, 'approved');
  while (gateway.released.length === 0) await new Promise(setImmediate);
  test.equal(gateway.released.length, 1);
});

t.test('a lease without the scope did nothing, so the next one is tried; any other refusal ends it', async (test) => {
  const { gateway, airlock } = await open(test);
  const { lease: older } = await airlock.requestAccess(ASK);
  await airlock.requestAccess({ ...ASK, scopes: ['gmail:read:count_unread'] });
  const answer = (code: 'LEASE_SCOPE' | 'RATE_LIMITED') => (params: { lease: string }) => {
    if (params.lease === older) return { result: 'older', meta: { audit: 1 } };
    throw new AirlockError(code, 'no');
  };
  gateway.answers.set('call', answer('LEASE_SCOPE'));
  test.equal((await airlock.call('gmail', 'listMessages')).result, 'older');
  gateway.answers.set('call', answer('RATE_LIMITED'));
  test.equal(await codeOf(airlock.call('gmail', 'listMessages')), 'RATE_LIMITED');
});

t.test('claim and adopt take up leases that come from elsewhere', async (test) => {
  const { gateway, airlock } = await open(test);
  const grant = (id: string, intent?: string): AgentGrant => ({
    ...{ id, scopes: ['gmail:read'], expiresAt: EXPIRES_AT },
    ...(intent === undefined ? {} : { intent }),
  });
  test.equal(await codeOf(airlock.claim()), 'NOT_FOUND', 'nothing was granted');
  gateway.grants = [grant('g-11111'), grant('g-22222', 'find it')];
  test.equal(await codeOf(airlock.claim()), 'PARAMS_INVALID', 'several: it has to be said which');
  const bound = await airlock.claim('g-22222');
  await bound.gmail.countUnread();
  test.match(gateway.calls('call').at(-1), { context: { intent: 'find it' } }, 'what it is bound to goes with every call');
  const claimed = await airlock.claim();
  test.equal((await claimed.gmail.countUnread()).unread, 3);
  test.same(gateway.calls('access.claim'), [{ grant: 'g-22222' }, { grant: 'g-11111' }]);
  const adopted = airlock.adopt({ lease: gateway.lease(['gmail:read']), expiresAt: EXPIRES_AT });
  test.equal((await adopted.call('gmail', 'count_unread')).meta.audit, 12);
});

t.test('no member of a handle is taken for a promise', async (test) => {
  const { airlock } = await open(test);
  const access = await airlock.requestAccess(ASK);
  test.equal(await Promise.resolve(access), access);
  test.equal(Reflect.get(access.gmail, 'then'), undefined);
  test.equal(Reflect.get(access, 'then'), undefined);
});

t.test('a narrowed lease reads as the same lease, and narrowing checks that it narrows', async (test) => {
  const { gateway, airlock } = await open(test);
  const access = await airlock.requestAccess({ ...ASK, scopes: ['gmail:read'] });
  const narrowed = access.narrow({ scopes: ['gmail:read:count_unread'], calls: 3 });
  test.ok(narrowed.startsWith(access.lease.slice(0, access.lease.lastIndexOf('.'))));
  test.equal(leaseFacts(narrowed).id, access.id);
  const child = airlock.adopt({ lease: narrowed, expiresAt: EXPIRES_AT });
  await child.release();
  test.same(gateway.calls('access.release'), [], 'what was narrowed ends with its parent');
  test.throws(() => access.narrow({ scopes: ['gmail:write'] }), { code: 'PARAMS_INVALID' });
  test.throws(() => access.narrow({}), { code: 'PARAMS_INVALID' });
  test.same(leaseFacts('no lease'), { id: '', scopes: [], isNarrowed: false });
});
