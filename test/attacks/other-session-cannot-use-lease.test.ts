// Another agent of the same role got hold of a lease. It is bound to the session that asked; the secret that resumes one is looked for.
import { createHash } from 'node:crypto';
import { narrowLease, parseLease } from '@airlock/lease';
import type { AccessRequestResult, AccessStatus } from '@airlock/protocol';
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import t from 'tap';
import { auditOf, connectTo, countUnread, errorOf, killHard, pendingOn, stateHolding, untilServing } from './support/house.js';

let running: Running;
let owner: AgentSession;
let thief: AgentSession;
let lease: string;
t.before(async () => {
  running = await startTestInstance({ cells: 2 });
  await addMailbox(running);
  owner = await openSession(running);
  thief = await openSession(running);
  ({ lease } = await obtainLease(running, owner, ['mail:read'], { ttlS: 3600 }));
});
t.teardown(async () => {
  owner.close();
  thief.close();
  await running.stop();
});

t.test('LEASE-14: the lease serves its own session only', async (t) => {
  t.equal(await refusalOf(countUnread(thief, lease)), 'LEASE_SESSION');
  t.equal(await refusalOf(countUnread(thief, narrowLease(lease, ['budget', { calls: 1 }]))), 'LEASE_SESSION');
  t.equal(await refusalOf(thief.call('access.release', { lease })), 'LEASE_SESSION');
  const renew = { scopes: ['mail:read'], reason: 'renew', renew: parseLease(lease).payload.id };
  t.equal(await refusalOf(thief.call('access.request', renew)), 'NOT_FOUND');
  const { request } = await owner.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'more' });
  t.equal(await refusalOf(thief.call('access.wait', { request, timeoutS: 0 })), 'NOT_FOUND');
  const status = await thief.call<AccessStatus>('access.status');
  t.same([status.leases, status.pending], [[], []], 'nor does it see that there is one');
  t.equal(await refusalOf(countUnread(owner, lease)), null, 'negative control: its owner uses it');
});

t.test('SESSION-1: nothing that is public, stored or near the secret resumes a session', async (t) => {
  const { resume, session } = owner.hello;
  const { payload, tag } = parseLease(lease);
  const flipped = `${resume.startsWith('A') ? 'B' : 'A'}${resume.slice(1)}`;
  const guesses = {
    'the id of the session': session,
    'the id of the lease': payload.id,
    'the tag of the lease': tag,
    'the stored digest': createHash('sha256').update(resume).digest('hex'),
    'the digest in base64url': createHash('sha256').update(resume).digest('base64url'),
    'one character less': resume.slice(0, -1),
    'one character more': `${resume}A`,
    'one character changed': flipped,
    'another case': resume.toLowerCase() === resume ? resume.toUpperCase() : resume.toLowerCase(),
    'his own': Array.from(thief.hello.resume).reverse().join(''),
  };
  for (const [what, guess] of Object.entries(guesses)) {
    t.equal(await refusalOf(openSession(running, { resume: guess })), 'NOT_AUTHENTICATED', what);
    const error = await errorOf(openSession(running, { resume: guess }));
    t.notOk(JSON.stringify({ ...error.data, message: error.message }).includes(guess), 'and it is not echoed');
  }
  t.equal(
    await refusalOf(thief.call('hello', { client: 'x', protocol: 1, resume })),
    'NOT_AUTHENTICATED',
    'one hello a connection',
  );
  const taken = await openSession(running, { resume });
  t.equal(await refusalOf(countUnread(taken, lease)), null, 'negative control: with the secret itself it is the session');
  taken.close();
});

t.test(
  'JOURNAL-3: the secret is in no list, lease, log or state; the session’s name is, which shows that the search bites',
  async (t) => {
    const { resume, session } = owner.hello;
    const operator = await connectTo(running, 'approve/default');
    const told = JSON.stringify([
      await owner.call('access.status'),
      await owner.call('services.list'),
      await thief.call('access.status'),
      await pendingOn(operator),
      await operator.call('leases', {}),
      parseLease(lease).payload,
      await auditOf(running),
    ]);
    operator.close();
    t.ok(told.includes(session), 'negative control');
    t.notOk(told.includes(resume));
    t.notOk(lease.includes(resume));
    for (const form of [
      resume,
      Buffer.from(resume, 'base64url').toString('hex'),
      Buffer.from(resume, 'base64url').toString('base64'),
    ])
      t.same(stateHolding(running, form), []);
    t.ok(stateHolding(running, session).length > 0, 'negative control');
  },
);

t.test('a restart of the gateway confuses no sessions', async (t) => {
  const { resume } = owner.hello;
  await killHard(running.pids.gateway);
  await untilServing(running);
  const [again, stranger] = [await openSession(running, { resume }), await openSession(running)];
  t.equal(await refusalOf(countUnread(stranger, lease)), 'LEASE_SESSION');
  t.equal(await refusalOf(countUnread(again, lease)), null, 'negative control: SESSION-3, the owner goes on');
  again.close();
  stranger.close();
});
