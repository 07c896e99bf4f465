// The lease text is fished for: waits in parallel, again later, in other sessions and roles, through kills, in lists and on disk.
import type { Connection } from '@airlock/ipc';
import type { AccessRequestResult, AccessWaitResult } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t from 'tap';
import {
  approveShown,
  ask,
  auditOf,
  connectTo,
  countUnread,
  killHard,
  pendingOn,
  stateHolding,
  untilServing,
} from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 3 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});

const request = async (reason: string): Promise<string> => {
  running.clock.advance(30_000);
  return (await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason, ttlS: 7200 })).request;
};
const wait = (on: AgentSession, id: string, timeoutS = 0): Promise<AccessWaitResult> =>
  on.call('access.wait', { request: id, timeoutS });

t.test('QUEUE-10: forty waits at once over four connections of the session: one gets it', async (t) => {
  const id = await request('parallel');
  const twins = await Promise.all(Array.from({ length: 3 }, () => openSession(running, { resume: agent.hello.resume })));
  const all = [agent, ...twins];
  const waits = Array.from({ length: 40 }, (_, n) => wait(all[n % all.length] ?? agent, id, 10));
  const { lease } = await approveShown(running, operator);
  const answers = await Promise.all(waits);
  t.same([...new Set(answers.map(({ status }) => status))], ['approved'], 'all hear of the approval');
  const texts = answers.flatMap((answer) => (answer.lease === undefined ? [] : [answer.lease]));
  t.equal(texts.length, 1);
  t.equal(await refusalOf(countUnread(agent, texts[0] ?? '')), null, 'negative control: it is the lease');
  t.equal((await wait(agent, id)).lease, undefined, 'nor later');
  t.equal(JSON.stringify(lease).includes('al1.'), false, 'the approver is given its name only');
  for (const twin of twins) twin.close();
});

t.test('QUEUE-10: asking again for the same, before or after, fetches no second text', async (t) => {
  const id = await request('merged');
  const again = await agent.call<AccessRequestResult>('access.request', {
    scopes: ['mail:read'],
    reason: 'other words',
    ttlS: 7200,
  });
  t.equal(again.request, id, 'QUEUE-7: one request');
  await approveShown(running, operator);
  t.ok((await wait(agent, id)).lease, 'negative control');
  t.equal((await wait(agent, again.request)).lease, undefined);
  const stranger = await openSession(running);
  t.equal(await refusalOf(wait(stranger, id)), 'NOT_FOUND');
  stranger.close();
});

t.test('QUEUE-10: delivered before a kill of either daemon, it is not delivered after it', async (t) => {
  const [fetched, open] = [await request('before'), ''];
  await approveShown(running, operator);
  t.ok((await wait(agent, fetched)).lease);
  const unfetched = (await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'x', ttlS: 3600 }))
    .request;
  running.clock.advance(30_000);
  await approveShown(running, operator);
  for (const daemon of ['gateway', 'totp'] as const) {
    await killHard(running.pids[daemon]);
    await untilServing(running);
  }
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running, { resume: agent.hello.resume });
  t.match(await wait(agent, fetched), { status: 'approved', lease: undefined });
  const stranger = await openSession(running);
  t.equal(await refusalOf(wait(stranger, unfetched)), 'NOT_FOUND', 'a restart forgets nobody’s session');
  stranger.close();
  const { lease = open } = await wait(agent, unfetched);
  t.match(lease, /^al1\./, 'negative control: one that was not fetched yet is still to be had, by its session');
  t.equal((await wait(agent, unfetched)).lease, undefined, 'once');
  t.equal(await refusalOf(countUnread(agent, lease)), null);
});

t.test('the text is in no list, record or file; its name is', async (t) => {
  const id = await request('searched');
  const approved = await approveShown(running, operator);
  const { lease = '' } = await wait(agent, id);
  const [, payload = '', tag = ''] = lease.split('.');
  const told = JSON.stringify([
    approved,
    await pendingOn(operator),
    await ask(operator, 'leases'),
    await ask(operator, 'status'),
    await agent.call('access.status'),
    await auditOf(running),
  ]);
  t.ok(told.includes(approved.lease?.id ?? 'none'), 'negative control: its name');
  for (const part of [payload, tag]) {
    t.notOk(told.includes(part));
    t.same(stateHolding(running, part), []);
  }
  t.ok(stateHolding(running, approved.lease?.id ?? 'none').length > 0, 'negative control: the search finds what is there');
});
