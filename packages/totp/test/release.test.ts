/** Refusals of key release, at the decision itself (RELEASE-1 to RELEASE-4, RELEASE-9). */
import t from 'tap';
import { AirlockError, FRAME, packBlobs, unpackBlobs, type Action, type Destination } from '@airlock/protocol';
import { exchangeKey } from '../src/approve/keys.js';
import { drawKey, type FreshKey } from '../src/release/keys.js';
import { grantRelease } from '../src/release/grant.js';
import { deskOf, type House as Inner } from '../src/operators/house.js';
import { lockOperator } from '../src/operators/deny.js';
import { markNewest, markRemoved, markSealed, versionsOf } from '../src/register/versions.js';
import { approveFront, askFor, greet, openHouse, refusal, type House } from './support/daemon.js';

const DESTINATION: Destination = {
  kind: 'imap',
  origins: [{ scheme: 'imaps', host: 'mail.example.org', port: 993 }],
  user: 'ada',
};

const innerOf = (house: House): Inner => {
  if (house.totp.house === null) throw new Error('sealed');
  return house.totp.house;
};

/** As SEAL_KEY does it: the version counts as sealed. */
const seal = (inner: Inner, service: string): FreshKey => {
  const desk = deskOf(inner, 'default');
  const key = drawKey(desk, service, DESTINATION);
  desk.commit(markSealed(desk.state, service, key.version));
  return key;
};

const grant = async (inner: Inner, lease: string | null, service: string, key: FreshKey): Promise<string> => {
  const ticket = Buffer.from(
    inner.releaseTickets.issue({ operator: 'default', service, lease }, inner.clock.bootMs()),
    'base64url',
  );
  return refusal(Promise.resolve().then(() => grantRelease(inner, { ticket, header: key.header, wrapped: key.wrapped })));
};

t.test('who gets a key, and who does not', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = innerOf(house);
  const desk = deskOf(inner, 'default');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  await askFor(bridge, { scopes: ['gmail:read', 'github:read'] });
  const id = (await approveFront(house, await house.connect('approve/default'))).lease?.id ?? '';
  const first = seal(inner, 'gmail');
  const foreign = seal(inner, 'github');
  t.equal(await grant(inner, id, 'gmail', first), 'none');
  t.equal(versionsOf(desk.state, 'gmail').newest, 1, 'RELEASE-9: released under a lease, so it is the newest');
  t.equal(await grant(inner, id, 'gmail', foreign), 'VAULT_UNREADABLE', 'RELEASE-4: a record of another service');
  t.equal(await grant(inner, id, 'calendar', first), 'LEASE_SCOPE');
  t.equal(await grant(inner, 'A'.repeat(22), 'gmail', first), 'LEASE_EXPIRED', 'RELEASE-2: a lease that is not in the register');
  const second = seal(inner, 'gmail');
  t.equal(await grant(inner, null, 'gmail', second), 'none', 'a trial of the version just sealed');
  t.equal(versionsOf(desk.state, 'gmail').newest, 1, 'RELEASE-9: a trial never makes it the newest');
  t.equal(await grant(inner, id, 'gmail', first), 'none', 'so the old one still opens');
  desk.commit(markNewest(desk.state, 'gmail', 2));
  t.equal(await grant(inner, id, 'gmail', first), 'VAULT_UNREADABLE', 'RELEASE-4: rolled back');
  t.equal(await grant(inner, id, 'gmail', second), 'none');
  const header = Buffer.from(second.header);
  header[header.length - 3] = 0x30;
  t.equal(await grant(inner, id, 'gmail', { ...second, header }), 'VAULT_UNREADABLE', 'another destination in the header');
  t.equal(await grant(inner, id, 'gmail', { ...second, wrapped: first.wrapped }), 'VAULT_UNREADABLE', 'another key');
  desk.commit(markRemoved(desk.state, 'gmail'));
  t.equal(await grant(inner, id, 'gmail', second), 'VAULT_UNREADABLE', 'removed for good');
  const ticket = Buffer.from(
    inner.releaseTickets.issue({ operator: 'default', service: 'github', lease: id }, inner.clock.bootMs()),
    'base64url',
  );
  const unknown = (): Promise<string> =>
    refusal(Promise.resolve().then(() => grantRelease(inner, { ticket: Buffer.alloc(32, 7), ...foreign })));
  t.equal(await unknown(), 'UNAVAILABLE', 'RELEASE-13: it may be of the process before');
  const used = Buffer.from(
    inner.releaseTickets.issue({ operator: 'default', service: 'github', lease: id }, inner.clock.bootMs()),
    'base64url',
  );
  const again = (): Promise<string> => refusal(Promise.resolve().then(() => grantRelease(inner, { ticket: used, ...foreign })));
  t.equal(await again(), 'none');
  t.equal(await again(), 'NOT_AUTHENTICATED', 'RELEASE-13: not what this process issued');
  house.clock.pass(10_000);
  t.equal(await unknown(), 'NOT_AUTHENTICATED', 'RELEASE-13: nor later, for it would be over');
  const late = Promise.resolve().then(() => grantRelease(inner, { ticket, ...foreign }));
  t.equal(await refusal(late), 'NOT_AUTHENTICATED', 'RELEASE-1: ten seconds');
  lockOperator(desk, 'test');
  t.equal(await grant(inner, id, 'github', foreign), 'LOCKED');
  desk.commit({ ...desk.state, locked: false });
  house.clock.pass(3_600_000);
  t.equal(await grant(inner, id, 'github', foreign), 'LEASE_EXPIRED');
});

t.test('RELEASE-3: what cannot be recorded is not released', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = innerOf(house);
  const bridge = await house.connect('bridge');
  await greet(bridge);
  await askFor(bridge, { scopes: ['gmail:read'] });
  const id = (await approveFront(house, await house.connect('approve/default'))).lease?.id ?? '';
  const key = seal(inner, 'gmail');
  const record = inner.journal.record.bind(inner.journal);
  Object.assign(inner.journal, {
    record: () => {
      throw new AirlockError('AUDIT_UNAVAILABLE', 'the disk is full');
    },
  });
  t.equal(await grant(inner, id, 'gmail', key), 'AUDIT_UNAVAILABLE');
  Object.assign(inner.journal, { record });
  t.equal(await grant(inner, id, 'gmail', key), 'none', 'negative control: recorded, it is');
});

t.test('RELEASE-6: what a key exchange received is overwritten, whatever came of it', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = innerOf(house);
  for (const type of [FRAME.SEAL_KEY_REQUEST, FRAME.OPEN_KEY_REQUEST, FRAME.RELEASE_GRANT]) {
    const payload = packBlobs(Buffer.alloc(0), Buffer.alloc(32, 0x11));
    const { type: answer } = exchangeKey(deskOf(inner, 'default'), type, payload, {});
    t.equal(answer, FRAME.REFUSED);
    t.ok(payload.every((byte) => byte === 0));
  }
});

t.test('RELEASE-12: a cell that asks for the next key gets it over its socket, under a lease and not for a trial', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = innerOf(house);
  const bridge = await house.connect('bridge');
  await greet(bridge);
  await askFor(bridge);
  const id = (await approveFront(house, await house.connect('approve/default'))).lease?.id ?? '';
  const key = seal(inner, 'gmail');
  const ask = async (lease: string | null): Promise<{ type: number; blobs: number }> => {
    const ticket = inner.releaseTickets.issue({ operator: 'default', service: 'gmail', lease }, inner.clock.bootMs());
    let answered: (value: { type: number; blobs: number }) => void = () => undefined;
    const answer = new Promise<{ type: number; blobs: number }>((resolve) => (answered = resolve));
    const link = await house.connect('release', (type, payload) =>
      answered({ type, blobs: [4, 1].find((count) => unpackBlobs(payload, 32, count) !== null) ?? 0 }),
    );
    const blobs = [Buffer.from(ticket, 'base64url'), key.header, key.wrapped, Buffer.alloc(0)];
    link.sendBinary(FRAME.RELEASE_REQUEST, packBlobs(Buffer.alloc(0), ...blobs));
    return answer;
  };
  t.same(await ask(id), { type: FRAME.RELEASE_GRANT, blobs: 4 });
  t.equal(versionsOf(deskOf(inner, 'default').state, 'gmail').sealed, 2);
  t.same(await ask(null), { type: FRAME.RELEASE_GRANT, blobs: 1 });
  t.equal(versionsOf(deskOf(inner, 'default').state, 'gmail').sealed, 2, 'no version for a trial');
});

t.test('RELEASE-10: a key is opened for the ticket of credentials.get, once, and nothing else opens or seals', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const inner = innerOf(house);
  const desk = deskOf(inner, 'default');
  const me = {};
  const key = seal(inner, 'gmail');
  const get: Action = { verb: 'credentials.get', params: { service: 'gmail', fields: ['password'] } };
  const ticket = Buffer.from(inner.actionTickets.issue('default', get, 'r-1', me, desk.now()) ?? '', 'base64url');
  const request = (): Buffer => packBlobs(Buffer.alloc(0), ticket, key.header, key.wrapped);
  const opened = exchangeKey(desk, FRAME.OPEN_KEY_REQUEST, request(), me);
  t.equal(opened.type, FRAME.OPEN_KEY);
  t.ok(opened.payload.subarray(0, 32).equals(key.dek));
  t.equal(exchangeKey(desk, FRAME.OPEN_KEY_REQUEST, request(), me).type, FRAME.REFUSED, 'a replay');
  const unlock = { action: { verb: 'unlock', params: {} } };
  const stub = {
    ...{ operator: 'default', state: { locked: false }, requireEnrolled: () => ({}), now: () => desk.now() },
    house: { sealed: () => null, actionTickets: { use: () => unlock } },
  } as never;
  for (const type of [FRAME.OPEN_KEY_REQUEST, FRAME.SEAL_KEY_REQUEST]) {
    const blobs = type === FRAME.SEAL_KEY_REQUEST ? [ticket] : [ticket, key.header, key.wrapped];
    const { payload } = exchangeKey(stub, type, packBlobs(Buffer.alloc(0), ...blobs), me);
    t.match(payload.toString(), 'no request of the key exchange', 'a right that goes with another action');
  }
});
