// The operator reads a code for request A. A leaves (denied, expired, cancelled), B comes to the front, and the code is given for B.
import type { Connection } from '@airlock/ipc';
import type { AccessRequestResult, ApproveStatus, ShownRequest } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { ask, codeNow, connectTo, frontOf, goodCode, submit, until } from './support/house.js';
import { emptyState, enqueue, give, leaveQueue, nowAt, raiseFloor, requestNamed, type OperatorState } from './support/queue.js';

let running: Running;
let operator: Connection;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 1 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
});
t.teardown(async () => {
  operator.close();
  await running.stop();
});

const request = async (agent: AgentSession, reason: string): Promise<string> =>
  (await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason })).request;

/** Every code that can have been read off a phone whose clock is up to a step off, given for B; then an honest one. */
const swapFails = async (t: Test, codes: readonly string[], wanted: string): Promise<void> => {
  const b = await until(
    () => frontOf(operator),
    ({ id }) => id === wanted,
  );
  t.ok(b.waitS > 0, `B says how long codes are held back: ${b.waitS} s`);
  for (const code of codes) t.equal(await refusalOf(submit(operator, b, code)), 'CODE_REJECTED');
  running.clock.advance(30_000);
  t.equal(await refusalOf(submit(operator, b, codes.at(-1) ?? '')), 'CODE_REJECTED', 'nor half a minute later');
  const leases = (await ask<ApproveStatus>(operator, 'status')).leases;
  const code = await goodCode(running, operator);
  t.ok((await submit(operator, await frontOf(operator), code)).lease, 'negative control: a code read after the swap approves B');
  t.equal((await ask<ApproveStatus>(operator, 'status')).leases, leases + 1);
};

/** What the phone shows when A is read: of now, and of a clock one step fast. */
const readFor = async (a: ShownRequest): Promise<string[]> => {
  running.clock.advance(a.waitS * 1000);
  await frontOf(operator);
  return [codeNow(running), codeNow(running, 1)];
};

t.test('QUEUE-5: A is denied', async (t) => {
  const [agent, other] = [await openSession(running), await openSession(running, { role: 'other' })];
  await request(agent, 'A');
  const b = await request(other, 'B');
  const codes = await readFor(await frontOf(operator));
  await ask(operator, 'request.deny');
  await swapFails(t, codes, b);
  agent.close();
  other.close();
});

t.test('QUEUE-5: A expires while the code is being typed', async (t) => {
  const [agent, other] = [await openSession(running), await openSession(running, { role: 'other' })];
  running.clock.advance(3_600_000);
  const a = await request(agent, 'A');
  running.clock.advance(240_000);
  const b = await request(other, 'B');
  const shown = await frontOf(operator);
  t.equal(shown.id, a);
  running.clock.advance(Date.parse(shown.expiresAt) - running.clock.wallMs() - 1000);
  const codes = await readFor(await frontOf(operator));
  running.clock.advance(1000);
  await swapFails(t, codes, b);
  agent.close();
  other.close();
});

t.test('QUEUE-5: A is an action whose terminal goes away', async (t) => {
  const agent = await openSession(running);
  running.clock.advance(3_600_000);
  const terminal = await connectTo(running, 'approve/default');
  await ask(terminal, 'action.open', { verb: 'service.test', params: { service: 'mail' } });
  const b = await request(agent, 'B');
  const codes = await readFor(await frontOf(operator));
  terminal.close();
  await swapFails(t, codes, b);
  agent.close();
});

t.test('negative control: without a swap the code read for A approves A', async (t) => {
  const agent = await openSession(running);
  running.clock.advance(3_600_000);
  await request(agent, 'A');
  const [code = ''] = await readFor(await frontOf(operator));
  t.ok((await submit(operator, await frontOf(operator), code)).lease);
  agent.close();
});

t.test('negative control: with the floor rule taken out the queue approves B with the code read for A', (t) => {
  const [a, b] = [requestNamed('A', '11'), requestNamed('B', '22')];
  const denied = { status: 'denied', reason: null, lease: null } as const;
  const swap = (rule: typeof raiseFloor): OperatorState =>
    leaveQueue(enqueue(enqueue(emptyState('boot'), a), b), a.id, denied, nowAt(100), rule);
  const withoutRule: typeof raiseFloor = (state) => state;
  for (const read of [99, 100, 101]) {
    t.equal(give(swap(withoutRule), b, read, 100).verdict.kind, 'approved', 'the broken queue');
    t.equal(give(swap(raiseFloor), b, read, 100).verdict.kind, 'code', 'the one that is used');
  }
  t.end();
});
