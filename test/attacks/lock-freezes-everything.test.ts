// The operator locks. Whoever holds a lease, a cell, a request, or only the operator's socket without a code, gets nothing more.
import type { Connection } from '@airlock/ipc';
import type { AccessStatus, ApproveStatus } from '@airlock/protocol';
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
import {
  approveShown,
  ask,
  auditOf,
  codeNow,
  connectTo,
  countUnread,
  frontOf,
  goodCode,
  killHard,
  submit,
  until,
  untilServing,
} from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 3 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 7200 }));
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});

const locked = async (): Promise<boolean> => (await ask<ApproveStatus>(operator, 'status')).locked;
const use = (): Promise<string | null> => refusalOf(countUnread(agent, lease));
t.test('negative control: it works before', async (t) => {
  t.equal(await use(), null);
  t.equal((await agent.call<AccessStatus>('access.status')).locked, false);
});

t.test('QUEUE-12: a lock needs no code, ends cells, freezes leases and refuses agents', async (t) => {
  const waiting = await agent.call<{ request: string }>('access.request', { scopes: ['mail:read'], reason: 'before', ttlS: 60 });
  const result = await running.command('airlock-ctl', ['lock', '--json']);
  t.same([result.status, result.json], [0, { locked: true }]);
  await until(
    async () => [await use()],
    ([refusal]) => refusal === 'LOCKED',
  );
  for (let n = 0; n < 10; n += 1) t.equal(await use(), 'LOCKED');
  t.equal((await agent.call<AccessStatus>('access.status')).locked, true, 'the agent is told');
  const other = await openSession(running, { role: 'other' });
  t.equal(await refusalOf(other.call('access.request', { scopes: ['mail:read'], reason: 'x' })), 'LOCKED', 'QUEUE-8, every role');
  t.equal(
    await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'before', ttlS: 60 })),
    'LOCKED',
    'not even the same again',
  );
  other.close();
  t.equal((await frontOf(operator)).id, waiting.request);
  await ask(operator, 'request.deny', { all: true });
  t.ok((await auditOf(running, 'locked')).length >= 2, 'in both logs');
});

t.test('neither restart nor time unlocks, nor anything without a code', async (t) => {
  for (const daemon of ['gateway', 'totp'] as const) {
    await killHard(running.pids[daemon]);
    await untilServing(running);
  }
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running, { resume: agent.hello.resume });
  t.equal(await locked(), true);
  t.equal(await use(), 'LOCKED');
  running.clock.advance(1_800_000);
  t.equal(await use(), 'LOCKED');
  for (const link of [operator, await connectTo(running, 'operator/default')])
    t.not(await refusalOf(ask(link, 'unlock')), null, 'there is no method that unlocks');
  t.equal(await refusalOf(agent.call('unlock')), 'CODE_ON_AGENT_SOCKET');
  await ask(operator, 'action.open', { verb: 'unlock', params: {} });
  const shown = await frontOf(operator);
  t.match(shown.text, /\n {2}do {7}unlock: leases that were frozen work again\n/);
  t.equal(await refusalOf(submit(operator, shown, codeNow(running, -3))), 'CODE_REJECTED', 'an old code');
  t.equal(await locked(), true);
  t.equal(await use(), 'LOCKED');
});

t.test('what an approval gives while locked stays frozen, too', async (t) => {
  await ask(operator, 'request.deny', { all: true });
  running.clock.advance(60_000);
  await ask(operator, 'action.open', { verb: 'service.test', params: { service: 'mail' } });
  const code = await goodCode(running, operator);
  const { ticket = '' } = await submit(operator, await frontOf(operator), code);
  const gateway = await connectTo(running, 'operator/default');
  t.equal(await refusalOf(ask(gateway, 'service.test', { ticket })), 'LOCKED', 'no key is released, not for a trial either');
  gateway.close();
});

t.test('QUEUE-12: a code unlocks, and what has not expired works again', async (t) => {
  running.clock.advance(30_000);
  await ask(operator, 'action.open', { verb: 'unlock', params: {} });
  await approveShown(running, operator);
  t.equal(await locked(), false);
  await until(
    async () => [await use()],
    ([refusal]) => refusal !== 'LOCKED',
  );
  t.equal(await use(), null, 'the very lease');
  running.clock.advance(7_200_000);
  t.equal(await use(), 'LEASE_EXPIRED', 'negative control: the lock did not stop its time');
});
