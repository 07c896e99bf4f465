// An agent of another role got hold of everything a role was given: its lease, narrowed leases, request ids, its resume secret.
import type { Connection } from '@airlock/ipc';
import { narrowLease, parseLease } from '@airlock/lease';
import type { AccessRequestResult, AccessStatus, HelloResult } from '@airlock/protocol';
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
import { approveShown, ask, connectTo, countUnread, errorOf, listMessages } from './support/house.js';

let running: Running;
let owner: AgentSession;
let thief: AgentSession;
let lease: string;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 2 });
  await addMailbox(running);
  owner = await openSession(running);
  thief = await openSession(running, { role: 'other' });
  ({ lease } = await obtainLease(running, owner, ['mail:read'], { intent: 'count', ttlS: 3600 }));
});
t.teardown(async () => {
  owner.close();
  thief.close();
  await running.stop();
});

const withIntent = (agent: AgentSession, text: string): Promise<unknown> =>
  agent.call('call', { lease: text, service: 'mail', operation: 'count_unread', params: {}, context: { intent: 'count' } });

t.test('negative control: its owner uses it', async (t) => {
  t.equal(await refusalOf(withIntent(owner, lease)), null);
  t.equal(await refusalOf(withIntent(owner, narrowLease(lease, ['budget', { calls: 5 }]))), null);
});

t.test('LEASE-11: another role is refused, before anything else is looked at', async (t) => {
  t.equal(await refusalOf(withIntent(thief, lease)), 'LEASE_INVALID');
  t.equal(await refusalOf(countUnread(thief, lease)), 'LEASE_INVALID', 'nor does it learn that an intent is missing');
  t.equal(await refusalOf(listMessages(thief, narrowLease(lease, ['scopes', ['mail:read:list_messages']]))), 'LEASE_INVALID');
  t.equal(await refusalOf(thief.call('access.release', { lease })), 'LEASE_INVALID', 'nor can it end it');
  const answer = await errorOf(withIntent(thief, lease));
  t.notMatch(JSON.stringify({ ...answer.data, message: answer.message }), /default|session/, 'and is told nothing of the owner');
});

t.test('the built-in role of the operator’s socket is another role, too', async (t) => {
  const gateway = await connectTo(running, 'operator/default');
  await ask<HelloResult>(gateway, 'hello', { client: 'test', protocol: 1 });
  const call = { lease, service: 'mail', operation: 'count_unread', params: {}, context: { intent: 'count' } };
  t.equal(await refusalOf(ask(gateway, 'call', call)), 'LEASE_INVALID');
  gateway.close();
});

t.test('its requests are not seen, waited for, renewed or fetched', async (t) => {
  const { request } = await owner.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'more' });
  t.equal(await refusalOf(thief.call('access.wait', { request, timeoutS: 0 })), 'NOT_FOUND');
  const operator = await connectTo(running, 'approve/default');
  await approveShown(running, operator);
  operator.close();
  t.equal(await refusalOf(thief.call('access.wait', { request, timeoutS: 0 })), 'NOT_FOUND', 'not after its approval either');
  const renew = { scopes: ['mail:read'], reason: 'mine now', renew: parseLease(lease).payload.id };
  t.equal(await refusalOf(thief.call('access.request', renew)), 'NOT_FOUND');
  t.same((await thief.call<AccessStatus>('access.status')).leases, []);
  t.same((await thief.call<AccessStatus>('access.status')).pending, []);
  t.match(
    await owner.call('access.wait', { request, timeoutS: 0 }),
    { status: 'approved', lease: /^al1\./ },
    'negative control: it was there',
  );
});

t.test('SESSION-2: the resume secret of a role’s session is nothing on another role’s socket', async (t) => {
  const { resume, session } = owner.hello;
  t.equal(await refusalOf(openSession(running, { role: 'other', resume })), 'NOT_AUTHENTICATED');
  const gateway: Connection = await connectTo(running, 'operator/default');
  t.equal(await refusalOf(ask(gateway, 'hello', { client: 'test', protocol: 1, resume })), 'NOT_AUTHENTICATED');
  gateway.close();
  const again = await openSession(running, { resume });
  t.equal(again.hello.session, session, 'negative control: on its own socket it resumes');
  t.equal(await refusalOf(withIntent(again, lease)), null);
  again.close();
});
