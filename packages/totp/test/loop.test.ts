/** The way from a request to a lease and a key, over real sockets. */
import t from 'tap';
import { FRAME, packBlobs, unpackBlobs, type ReleaseLimits } from '@airlock/protocol';
import { parseLease } from '@airlock/lease';
import { approveFront, askFor, call, codeNow, front, greet, openHouse, refusal } from './support/daemon.js';

t.test('a code approves the front request, and the lease is handed out once (QUEUE-10)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const keys: Buffer[] = [];
  const bridge = await house.connect('bridge', (type, payload) => {
    if (type === FRAME.LEASE_KEY) keys.push(payload);
  });
  const approve = await house.connect('approve/default');
  const hello = await greet(bridge);
  t.equal(hello.bootId, 'boot1');
  t.equal(hello.leases.length, 0);
  const { request, match } = await askFor(bridge);
  t.match(request, /^r-[a-z2-9]{10}$/);
  const shown = await front(approve);
  t.match(shown.text, /access {3}gmail:read/);
  t.match(shown.text, `match    ${match}`);
  t.equal(shown.needsMatch, false);
  t.equal(await refusal(call(bridge, 'request.take', { request })), 'APPROVAL_PENDING');
  const wrong = call(approve, 'request.approve', { request, digest: shown.digest, code: '000000' });
  t.equal(await refusal(wrong), 'CODE_REJECTED');
  const approved = await approveFront(house, approve);
  t.equal(approved.request, request);
  t.equal(approved.ticket, undefined);
  const { lease } = await call<{ lease: string }>(bridge, 'request.take', { request });
  t.equal(parseLease(lease).payload.id, approved.lease?.id);
  t.equal(await refusal(call(bridge, 'request.take', { request })), 'NOT_FOUND');
  t.equal(keys.length, 1, 'BRIDGE-1: the lease key follows hello');
  const reused = call(approve, 'request.approve', { request, digest: shown.digest, code: codeNow(house) });
  t.equal(await refusal(reused), 'CODE_REJECTED', 'a code works once');
});

t.test('an action is approved, a record sealed, tried and released (RELEASE-9)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const bridge = await house.connect('bridge');
  await greet(bridge);
  let answer: (value: { type: number; payload: Buffer }) => void = () => undefined;
  const approve = await house.connect('approve/default', (type, payload) => answer({ type, payload }));
  const exchange = (type: number, payload: Buffer): Promise<{ type: number; payload: Buffer }> =>
    new Promise((resolve) => {
      answer = resolve;
      approve.sendBinary(type, payload);
    });
  const destination = { kind: 'imap', origins: [{ scheme: 'imaps', host: 'mail.example.org', port: 993 }], user: 'ada' };
  const params = { service: 'gmail', kind: 'imap', destination, settings: { user: 'ada' }, fields: ['password'], test: true };
  await call(approve, 'action.open', { verb: 'service.add', params });
  const { ticket = '' } = await approveFront(house, approve);
  t.equal(Buffer.from(ticket, 'base64url').length, 32);
  const bytes = Buffer.from(ticket, 'base64url');
  const sealKey = await exchange(FRAME.SEAL_KEY_REQUEST, packBlobs(Buffer.alloc(0), bytes));
  t.equal(sealKey.type, FRAME.SEAL_KEY);
  const sealed = unpackBlobs(sealKey.payload, 32, 2);
  const [header, wrapped] = sealed?.blobs ?? [];
  if (sealed === null || header === undefined || wrapped === undefined) throw new Error('no seal key');
  const again = await exchange(FRAME.SEAL_KEY_REQUEST, packBlobs(Buffer.alloc(0), bytes));
  t.equal(again.type, FRAME.REFUSED, 'QUEUE-11: each right once');
  const redeemed = await call<{ trial: string }>(bridge, 'action.redeem', { ticket, operator: 'default', verb: 'service.add' });
  t.equal(
    await refusal(call(bridge, 'action.redeem', { ticket, operator: 'default', verb: 'service.add' })),
    'NOT_AUTHENTICATED',
  );
  const release = async (releaseTicket: string): Promise<{ type: number; payload: Buffer; closed: () => boolean }> => {
    let resolve: (frame: { type: number; payload: Buffer }) => void = () => undefined;
    const promise = new Promise<{ type: number; payload: Buffer }>((done) => {
      resolve = done;
    });
    const cell = await house.connect('release', (type, payload) => resolve({ type, payload }));
    cell.sendBinary(FRAME.RELEASE_REQUEST, packBlobs(Buffer.alloc(0), Buffer.from(releaseTicket, 'base64url'), header, wrapped));
    return { ...(await promise), closed: () => !cell.isOpen };
  };
  const trial = await release(redeemed.trial);
  t.equal(trial.type, FRAME.RELEASE_GRANT);
  const grant = unpackBlobs(trial.payload, 32, 1);
  t.same(grant?.head, sealed.head, 'the cell gets the key the record was sealed with');
  t.match(JSON.parse(grant?.blobs[0]?.toString() ?? '') as ReleaseLimits, { trial: true, service: 'gmail' });
  t.equal((await release(redeemed.trial)).type, FRAME.REFUSED, 'RELEASE-1: a ticket is good once');
  await call(bridge, 'record.committed', { operator: 'default', service: 'gmail', version: 1 });
  const { request } = await askFor(bridge);
  const { lease } = await approveFront(house, approve);
  t.ok(lease);
  const { ticket: releaseTicket } = await call<{ ticket: string }>(bridge, 'ticket.create', {
    lease: lease?.id,
    service: 'gmail',
  });
  t.equal(await refusal(call(bridge, 'ticket.create', { lease: lease?.id, service: 'github' })), 'LEASE_SCOPE');
  const granted = await release(releaseTicket);
  t.equal(granted.type, FRAME.RELEASE_GRANT);
  t.equal(granted.closed(), false);
  await call(approve, 'revoke', { lease: lease?.id });
  await new Promise((resolve) => setImmediate(resolve));
  await call(bridge, 'heartbeat');
  t.equal(granted.closed(), true, 'RELEASE-5: the end of the lease closes the connection');
  t.equal(await refusal(call(bridge, 'ticket.create', { lease: lease?.id, service: 'gmail' })), 'LEASE_EXPIRED');
  t.equal((await call<{ status: string }>(bridge, 'request.get', { request })).status, 'approved');
});
