// What an operator granted unasked is tried for: by others, twice, after its end, through kills, without a code, by guessing.
import type { Connection } from '@airlock/ipc';
import { parseLease } from '@airlock/lease';
import type { AccessStatus, ClaimResult, GrantView } from '@airlock/protocol';
import {
  addMailbox,
  daemonOf,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import t from 'tap';
import { approveShown, ask, auditOf, connectTo, countUnread, errorOf, killHard, untilServing } from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 3, roles: ['default', 'other'] });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});
// So that no test spends the tries of the next (GRANT-5).
t.beforeEach(() => running.clock.advance(120_000));

const grant = async (more: object = {}): Promise<GrantView> => {
  await ask(operator, 'action.open', {
    verb: 'grant',
    params: { role: 'default', scopes: ['mail:read'], ttlS: 3600, ...more },
  });
  const { grant: view } = await approveShown(running, operator);
  if (view === undefined) throw new Error('nothing was granted');
  return view;
};
const claim = (on: AgentSession, id: string): Promise<ClaimResult> => on.call('access.claim', { grant: id });
const grantsOf = async (on: AgentSession): Promise<readonly string[]> =>
  (await on.call<AccessStatus>('access.status')).grants.map(({ id }) => id);

t.test('GRANT-5: another role neither sees nor claims it', async (t) => {
  const { grant: id } = await grant();
  const thief = await openSession(running, { role: 'other' });
  t.same(await grantsOf(thief), []);
  t.equal(await refusalOf(claim(thief, id)), 'NOT_FOUND');
  thief.close();
  t.same(await grantsOf(agent), [id], 'negative control: its own role does');
  const { lease } = await claim(agent, id);
  t.equal(await refusalOf(countUnread(agent, lease)), null);
});

t.test('GRANT-2: eight claims at once by four sessions: one gets it, and the lease is of that session alone', async (t) => {
  const { grant: id } = await grant();
  const sessions = await Promise.all(Array.from({ length: 4 }, () => openSession(running)));
  const claims = sessions.flatMap((session) => [1, 2].map(() => claim(session, id).catch(() => null)));
  const won = (await Promise.all(claims)).map((answer, n) => ({ answer, session: sessions[Math.floor(n / 2)] ?? agent }));
  const [first, ...more] = won.filter(({ answer }) => answer !== null);
  t.same(more, []);
  const lease = first?.answer?.lease ?? '';
  t.equal(await refusalOf(countUnread(first?.session ?? agent, lease)), null, 'negative control');
  for (const session of sessions.filter((one) => one !== first?.session))
    t.equal(await refusalOf(countUnread(session, lease)), 'LEASE_SESSION');
  for (const session of sessions) session.close();
});

t.test('GRANT-4: revoked by its id or with all, it is gone; locked, it is held back', async (t) => {
  const one = await grant();
  t.same(await ask(operator, 'revoke', { lease: one.grant }), { revoked: [one.grant] });
  t.equal(await refusalOf(claim(agent, one.grant)), 'NOT_FOUND');
  const two = await grant();
  await ask(operator, 'revoke', { all: true });
  t.equal(await refusalOf(claim(agent, two.grant)), 'NOT_FOUND');
  const three = await grant();
  await ask(operator, 'lock');
  t.equal(await refusalOf(claim(agent, three.grant)), 'LOCKED');
  await ask(operator, 'action.open', { verb: 'unlock', params: {} });
  await approveShown(running, operator);
  t.ok((await claim(agent, three.grant)).lease, 'negative control: unlocked, it can be claimed');
});

t.test('GRANT-3: claimed late it ends when it was to end, and no clock moved brings it back', async (t) => {
  const { grant: id, expiresAt } = await grant();
  running.clock.advance(3_000_000);
  const { lease } = await claim(agent, id);
  t.equal(parseLease(lease).payload.expiresMs, Date.parse(expiresAt));
  running.clock.advance(700_000);
  t.match((await errorOf(countUnread(agent, lease))).code, 'LEASE_EXPIRED');
  const over = await grant({ ttlS: 60 });
  running.clock.advance(61_000);
  t.equal(await refusalOf(claim(agent, over.grant)), 'NOT_FOUND');
  running.clock.setWall(running.clock.wallMs() - 120_000);
  t.equal(await refusalOf(claim(agent, over.grant)), 'NOT_FOUND', 'the wall clock set back');
  running.clock.setWall(running.clock.wallMs() + 120_000);
  const held = await grant({ ttlS: 600 });
  running.clock.setWall(running.clock.wallMs() - 300_000);
  running.clock.advance(601_000);
  t.equal(await refusalOf(claim(agent, held.grant)), 'NOT_FOUND', 'set back before its end: boot time ends it');
  running.clock.setWall(running.clock.wallMs() + 300_000);
});

t.test('GRANT-4, GRANT-2: kill -9 of either daemon before and after the claim', async (t) => {
  for (const daemon of ['gateway', 'totp'] as const) {
    const { grant: id } = await grant();
    await killHard(await daemonOf(running, `airlock-${daemon}`));
    await untilServing(running);
    operator = await connectTo(running, 'approve/default');
    agent = await openSession(running, { resume: agent.hello.resume });
    const { lease } = await claim(agent, id);
    t.equal(await refusalOf(countUnread(agent, lease)), null, `${daemon} killed before: it is still there`);
    await killHard(await daemonOf(running, `airlock-${daemon}`));
    await untilServing(running);
    operator = await connectTo(running, 'approve/default');
    agent = await openSession(running, { resume: agent.hello.resume });
    t.equal(await refusalOf(claim(agent, id)), 'NOT_FOUND', `${daemon} killed after: it is used up`);
    t.equal(await refusalOf(countUnread(agent, lease)), null, 'and its lease lives');
  }
});

t.test('GRANT-1: without a code there is none, whoever opens it and whatever is claimed', async (t) => {
  await ask(operator, 'action.open', { verb: 'grant', params: { role: 'default', scopes: ['mail:read'], ttlS: 3600 } });
  t.same(await grantsOf(agent), []);
  const { front } = await ask<{ front: { id: string } }>(operator, 'pending');
  for (const id of [front.id, 'g-1234', `g-${'A'.repeat(22)}`]) t.equal(await refusalOf(claim(agent, id)), 'NOT_FOUND');
  const params = { role: 'default', scopes: ['mail:read'], ttlS: 3600 };
  t.equal(await refusalOf(agent.call('grant', params)), 'METHOD_UNKNOWN');
  t.equal(await refusalOf(agent.call('grant.claim', params)), 'METHOD_UNKNOWN');
  t.equal(await refusalOf(agent.call('action.open', { verb: 'grant', params })), 'METHOD_UNKNOWN');
  await ask(operator, 'request.deny', { request: front.id });
  t.same(await grantsOf(agent), [], 'denied');
});

t.test('GRANT-6: a service that is no longer there is not given, and the grant stays', async (t) => {
  await addMailbox(running, 'second');
  const { grant: id } = await grant({ scopes: ['second:read'] });
  t.equal(await refusalOf(claim(agent, id)), null, 'negative control: while it is there');
  const later = await grant({ scopes: ['second:read'] });
  running.clock.advance(120_000);
  const removed = await running.command('airlock-ctl', ['service', 'remove', 'second', '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.equal(removed.status, 0, removed.stdout);
  t.equal(await refusalOf(claim(agent, later.grant)), 'SERVICE_UNKNOWN');
  t.same(await grantsOf(agent), [later.grant]);
});

t.test('GRANT-5: guessing is counted and recorded, and asks airlock-totp nothing', async (t) => {
  const guess = (n: number): Promise<string | null> => refusalOf(claim(agent, `g-${String(n).padStart(22, 'A')}`));
  const answers = [];
  for (let n = 0; n < 40; n += 1) answers.push(await guess(n));
  t.equal(answers.filter((code) => code === 'NOT_FOUND').length, 10);
  t.equal(answers.filter((code) => code === 'RATE_LIMITED').length, 30);
  const refusals = (await auditOf(running, 'operation_refused')).filter(({ method }) => method === 'access.claim');
  t.ok(refusals.length > 0);
  const events = (await auditOf(running)).map(({ event }) => event);
  for (const event of ['grant_issued', 'grant_claimed', 'grant_ended']) t.ok(events.includes(event), event);
});
