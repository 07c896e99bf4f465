// One code, fifty submissions at once over many connections, for two requests: exactly one approval.
import type { ApproveStatus, AccessRequestResult } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import t from 'tap';
import { ask, auditOf, connectTo, frontOf, goodCode, pendingOn, submissionFor } from './support/house.js';
import { emptyState, enqueue, give, requestNamed } from './support/queue.js';

const SUBMITS = 50;
const CONNECTIONS = 10;

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
  await addMailbox(running);
});
t.teardown(() => running.stop());

t.test('QUEUE-4: fifty submissions of one code approve one request, once', async (t) => {
  const sessions = [await openSession(running), await openSession(running)];
  const asked = await Promise.all(
    sessions.map((agent) => agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'me' })),
  );
  const links = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectTo(running, 'approve/default')));
  const [operator] = links;
  if (operator === undefined) throw new Error('no connection');
  const code = await goodCode(running, operator);
  const { waiting } = await pendingOn(operator);
  const front = await frontOf(operator);
  const targets = [
    submissionFor(front, code),
    { request: waiting[0]?.id, digest: waiting[0]?.digest, match: waiting[0]?.match, code },
  ];
  // The one that is in front first on every connection, then the other: both are raced for.
  const outcomes = await Promise.all(
    Array.from({ length: SUBMITS }, (_, n) =>
      refusalOf(ask(links[n % CONNECTIONS] ?? operator, 'request.approve', targets[n < SUBMITS / 2 ? 0 : 1] ?? {})),
    ),
  );
  t.equal(outcomes.filter((outcome) => outcome === null).length, 1, 'one approval');
  t.same(
    [...new Set(outcomes)].sort(),
    ['CODE_REJECTED', null].sort(),
    'all others are refused as codes, none counted as a guess',
  );
  const status = await ask<ApproveStatus>(operator, 'status');
  t.equal(status.leases, 1);
  t.equal(status.queue, 1);
  const given = await Promise.all(
    sessions.map((agent, n) => agent.call<{ status: string }>('access.wait', { request: asked[n]?.request, timeoutS: 0 })),
  );
  t.same(given.map((one) => one.status).sort(), ['approved', 'pending']);
  t.equal((await auditOf(running, 'totp_verified')).length, 2, 'recorded: the mailbox and this one');
  t.equal((await auditOf(running, 'lease_issued')).filter(({ log }) => log === 'totp').length, 1);
  for (const link of links) link.close();
  for (const agent of sessions) agent.close();
});

t.test('negative control: where checking and burning are two steps, fifty submissions approve fifty times', (t) => {
  const request = requestNamed('front', '11');
  const shared = enqueue(emptyState('boot'), request);
  const approvals = Array.from({ length: SUBMITS }, () => give(shared, request, 100, 100)).filter(
    ({ verdict }) => verdict.kind === 'approved',
  );
  t.equal(approvals.length, SUBMITS);
  let state = shared;
  let inTurn = 0;
  for (let n = 0; n < SUBMITS; n += 1) {
    const submitted = give(state, request, 100, 100);
    state = { ...submitted.state, front: request };
    if (submitted.verdict.kind === 'approved') inTurn += 1;
  }
  t.equal(inTurn, 1, 'one after the other, burnt in between: once');
  t.end();
});
