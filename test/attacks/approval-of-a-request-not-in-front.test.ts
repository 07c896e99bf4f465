// A good code is given for a request that waits, was decided, is another operator's or never was: it approves nothing and is burnt.
import type { Connection } from '@airlock/ipc';
import type { AccessRequestResult, ApproveStatus, RequestView } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { ask, auditOf, codeNow, connectTo, frontOf, goodCode, pendingOn, submit } from './support/house.js';
import { emptyState, enqueue, give, requestNamed } from './support/queue.js';

let running: Running;
let operator: Connection;
const agents: AgentSession[] = [];
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 1 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agents.push(await openSession(running), await openSession(running, { role: 'other' }));
});
t.teardown(async () => {
  operator.close();
  for (const agent of agents) agent.close();
  await running.stop();
});

const askAll = async (): Promise<void> => {
  running.clock.advance(3_600_000);
  for (const agent of agents) await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'x' });
};
const statusOf = (): Promise<ApproveStatus> => ask<ApproveStatus>(operator, 'status');
const name = ({ id, digest, match }: Pick<RequestView, 'id' | 'digest' | 'match'>, code: string): Promise<unknown> =>
  ask(operator, 'request.approve', { request: id, digest, match, code });

/** The code that was given is spent: what is in front refuses it, and takes the next one. */
const isBurnt = async (t: Test, code: string): Promise<void> => {
  const before = await statusOf();
  t.equal(await refusalOf(submit(operator, await frontOf(operator), code)), 'CODE_REJECTED', 'burnt');
  t.equal((await statusOf()).leases, before.leases);
  running.clock.advance(30_000);
  t.ok(
    (await submit(operator, await frontOf(operator), codeNow(running))).lease,
    'negative control: the front takes the next code',
  );
  await ask(operator, 'request.deny', { all: true });
};

t.test('QUEUE-3: one that waits', async (t) => {
  await askAll();
  const code = await goodCode(running, operator);
  const [waits] = (await pendingOn(operator)).waiting;
  if (!waits) throw new Error('nothing waits');
  const { leases, queue } = await statusOf();
  t.equal(await refusalOf(name(waits, code)), 'PARAMS_INVALID');
  const after = await statusOf();
  t.same([after.leases, after.queue], [leases, queue], 'neither approved nor moved');
  t.ok(
    (await auditOf(running, 'code_rejected')).some(({ why }) => why === 'not in front'),
    'recorded',
  );
  await isBurnt(t, code);
});

t.test('QUEUE-3: one that was denied, and one that never was', async (t) => {
  for (const known of [true, false]) {
    await askAll();
    const gone = await frontOf(operator);
    await ask(operator, 'request.deny');
    const code = await goodCode(running, operator);
    const target = known ? gone : { ...gone, id: 'r-aaaaaaaaaa' };
    t.equal(await refusalOf(name(target, code)), known ? 'APPROVAL_DENIED' : 'PARAMS_INVALID');
    await isBurnt(t, code);
  }
});

t.test('airlock-ctl refuses to send a code for what is not in front, so that none is lost by mistake', async (t) => {
  await askAll();
  const code = await goodCode(running, operator);
  const [waits] = (await pendingOn(operator)).waiting;
  const result = await running.command('airlock-ctl', [
    'approve',
    code,
    '--request',
    waits?.id ?? '',
    '--match',
    waits?.match ?? '',
    '--json',
  ]);
  t.equal(result.status, 2);
  t.ok((await submit(operator, await frontOf(operator), code)).lease, 'negative control: it was not sent, so it is not burnt');
  await ask(operator, 'request.deny', { all: true });
});

t.test('negative control: a queue that lets a wrong target keep the code has it spent on the front', (t) => {
  const [front, waits] = [requestNamed('front', '11'), requestNamed('waits', '22')];
  const state = enqueue(enqueue(emptyState('boot'), front), waits);
  const { verdict, state: burnt } = give(state, waits, 100, 100);
  t.equal(verdict.kind, 'not-front');
  t.equal(give(burnt, front, 100, 100).verdict.kind, 'code');
  t.equal(give(state, front, 100, 100).verdict.kind, 'approved', 'the state before: as if it had not been burnt');
  t.end();
});
