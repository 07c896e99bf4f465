// Attack: make airlock-totp forget by killing it. QUEUE-4, QUEUE-5, QUEUE-9, QUEUE-12, QUEUE-13, LEASES-1, LEASE-10.
import {
  addFixture,
  approveFront,
  codeAt,
  obtainLease,
  openSession,
  refusalOf,
  restartWith,
  startWithFixture,
  TEST_SECRET,
  type AgentSession,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import type { AccessRequestResult, AccessStatus, AccessWaitResult } from '@airlock/protocol';
import t from 'tap';

const STEP_MS = 30_000;

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const ctl = (...args: string[]): Promise<CommandResult> => running.command('airlock-ctl', [...args, '--json']);
const codeNow = (): string => codeAt(TEST_SECRET, running.clock.wallMs());
const ask = (ttlS: number): Promise<AccessRequestResult> =>
  agent.call<AccessRequestResult>('access.request', { scopes: ['fixture:read'], reason: 'a test', ttlS });
const approve = ({ request, match }: AccessRequestResult, code: string): Promise<CommandResult> =>
  ctl('approve', code, '--request', request, '--match', match);
const errorOf = ({ json }: CommandResult): string => (json as { error?: { code: string } }).error?.code ?? 'none';
const killTotp = (): Promise<number> => restartWith(running, 'airlock-totp');

t.test('a used code stays used', async (t) => {
  const first = await ask(100);
  const code = running.freshCode();
  t.equal((await approve(first, code)).status, 0);
  const second = await ask(101);
  await killTotp();
  t.equal(errorOf(await approve(second, code)), 'CODE_REJECTED', 'the code that was used');
  t.equal(
    errorOf(await approve(second, codeAt(TEST_SECRET, running.clock.wallMs() - STEP_MS))),
    'CODE_REJECTED',
    'the one before',
  );
  t.equal((await approve(second, running.freshCode())).status, 0, 'negative control: the next one; the request was kept');
});

t.test('the floor stays where it was raised', async (t) => {
  await ask(102);
  const next = await ask(103);
  running.clock.advance(STEP_MS);
  const read = codeNow();
  await ctl('deny', '--reason', 'no');
  await killTotp();
  t.equal(errorOf(await approve(next, read)), 'CODE_REJECTED', 'read while another request was in front');
  running.clock.advance(STEP_MS);
  t.equal(errorOf(await approve(next, codeNow())), 'CODE_REJECTED', 'one step later');
  running.clock.advance(STEP_MS);
  t.equal((await approve(next, codeNow())).status, 0, 'negative control: two steps later');
});

t.test('failures are counted on, and a lock-out stays', async (t) => {
  const asked = await ask(104);
  const wrong = (): Promise<CommandResult> => approve(asked, '000000');
  for (let n = 0; n < 5; n += 1) t.equal(errorOf(await wrong()), 'CODE_REJECTED');
  await killTotp();
  for (let n = 0; n < 5; n += 1) await wrong();
  t.equal(errorOf(await approve(asked, running.freshCode())), 'CODE_LOCKED_OUT');
  await killTotp();
  t.equal(errorOf(await approve(asked, running.freshCode())), 'CODE_LOCKED_OUT', 'even the right one, after another restart');
  t.match((await ctl('status')).json, { lockout: { terminal: { locked: true } } });
  t.equal((await ctl('lockout', 'clear', 'terminal')).status, 0);
  t.equal((await approve(asked, running.freshCode())).status, 0, 'negative control: cleared by root');
});

t.test('register, lock and budgets stay; nothing is lost and nothing comes back', async (t) => {
  const kept = await obtainLease(running, agent, ['fixture:read'], { ttlS: 2000 });
  const revoked = await obtainLease(running, agent, ['fixture:read'], { ttlS: 2001 });
  const before = await agent.call<AccessStatus>('access.status');
  const revokedId = before.leases.at(-1)?.id ?? '';
  await ctl('revoke', revokedId);
  const live = (await ctl('leases')).json;
  await killTotp();
  t.same((await ctl('leases')).json, live, 'the register');
  const call = (lease: string): Promise<string | null> =>
    refusalOf(agent.call('call', { lease, service: 'fixture', operation: 'echo', params: {} }));
  t.equal(await call(kept.lease), null);
  t.equal(await call(revoked.lease), 'LEASE_REVOKED');
  await ctl('lock');
  await killTotp();
  t.equal(await call(kept.lease), 'LOCKED', 'still locked');
  await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
  t.equal(await call(kept.lease), null);
  running.clock.advance(2_000_000);
  await killTotp();
  t.equal(await call(kept.lease), 'LEASE_EXPIRED', 'what ended while it was down');
  t.same((await ctl('leases')).json, []);
});

t.test('an approved lease is delivered once, also across a restart of both', async (t) => {
  const { request } = await ask(105);
  await approveFront(running);
  await killTotp();
  const { resume } = agent.hello;
  agent.close();
  await restartWith(running, 'airlock-gateway');
  agent = await openSession(running, { resume });
  const wait = (): Promise<AccessWaitResult> => agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 5 });
  const { status, lease } = await wait();
  t.equal(status, 'approved');
  t.equal(await refusalOf(agent.call('call', { lease, service: 'fixture', operation: 'echo', params: {} })), null);
  t.notOk((await wait()).lease, 'once');
  await killTotp();
  t.notOk((await wait()).lease, 'and not after a restart');
});
