/** How a call ends where the lease, the cell, the credential or the log is not what it was when it began. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { narrowLease } from '@airlock/lease';
import { AirlockError, DEFAULT_CONFIG, type CallResult, type Json, type RegisteredLease } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { CHECKS } from '../src/call/checks.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World, type WorldOptions } from './support/world.js';

const rulesOf = (rules: readonly Readonly<Record<string, Json>>[]) => ({
  policies: [{ ...{ id: 'p', name: 'p', description: 'for a test', status: 'active', blocked_commands: [] }, rules }],
  attachments: { '*': ['p'] },
});
const begin = async (t: Test, config: WorldOptions['config'] = {}): Promise<{ world: World; agent: Client }> => {
  const world = await startWorld({ config });
  t.teardown(() => world.stop());
  return { world, agent: await world.agent() };
};
const call = (client: Client, lease: string, operation = 'search'): Promise<CallResult> =>
  client.call<CallResult>('call', { lease, service: 'mail', operation, params: {} });
const leaseFor = async (world: World, client: Client, spec: object = {}): Promise<{ lease: RegisteredLease; text: string }> => {
  const issued = world.totp.issue({ session: client.session, ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === issued.lease.id), 'the lease');
  return issued;
};
/** A call that is in its cell, which answers when it is told. */
const inFlight = async (
  world: World,
  agent: Client,
  lease: string,
): Promise<{ call: Promise<CallResult>; finish: () => void }> => {
  let finish: () => void = () => undefined;
  world.cells.execute = () => new Promise((resolve) => (finish = () => resolve(okResult())));
  const before = world.cells.executed.length;
  const pending = call(agent, lease);
  pending.catch(() => undefined);
  await world.until(() => world.cells.executed.length > before, 'the call');
  return { call: pending, finish: () => finish() };
};

t.test('a check that runs before the one it needs lets no call through', async (t) => {
  const blank = { params: { params: {} }, lease: null, registered: null, service: null, operation: null, decision: null };
  // The first three and the look for the service need no other.
  const needing = CHECKS.filter((_, index) => index >= 3 && index !== 4);
  t.equal(needing.length, 6);
  for (const check of needing) t.throws(() => check(blank as never), { message: 'a check ran before the one it needs' });
});

t.test('CALL-3: what airlock-totp has of the lease counts, whatever its text says', async (t) => {
  const { world, agent } = await begin(t);
  const { lease, text } = await leaseFor(world, agent);
  const cases: readonly [Partial<RegisteredLease>, string, RegExp][] = [
    [{ operator: 'eve' }, 'LEASE_INVALID', /of another role/],
    [{ role: 'other' }, 'LEASE_INVALID', /of another role/],
    [{ session: 's-another' }, 'LEASE_SESSION', /of another session/],
    [{ scopes: ['mail:read:get'] }, 'POLICY_DENIED', /policy lease/],
  ];
  for (const [change, code, message] of cases) {
    world.totp.tell({ method: 'lease.issued', params: { lease: { ...lease, ...change }, request: 'r-none' } });
    await world.settle();
    const refusal = await refusalOf(call(agent, text));
    t.match(refusal, { code, message }, JSON.stringify(change));
    t.notMatch(refusal.data.hint, /policy show/, 'no policy of the operator to look at');
  }
  world.totp.tell({ method: 'lease.issued', params: { lease, request: 'r-none' } });
  await world.settle();
  t.ok(await call(agent, text), 'negative control');
});

t.test('a narrowed lease that ends during its call ends the call, though the lease it came from lives', async (t) => {
  const { world, agent } = await begin(t);
  const { text } = await leaseFor(world, agent);
  const { call: pending, finish } = await inFlight(world, agent, narrowLease(text, ['expires', world.clock.wallMs() + 3000]));
  await world.advance(3100);
  finish();
  t.match(await refusalOf(pending), { code: 'LEASE_EXPIRED', message: 'the lease ended during the call' });
  world.cells.execute = () => okResult();
  t.ok(await call(agent, text), 'negative control');
});

t.test('CALL-8: a lease that ends while the record of its answer is written keeps the answer back', async (t) => {
  const { world, agent } = await begin(t);
  const { lease, text } = await leaseFor(world, agent);
  const { call: pending, finish } = await inFlight(world, agent, text);
  finish();
  // The cell's answer is on its way before the end of the lease, and both arrive in one turn.
  for (let n = 0; n < 10; n += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
  world.totp.end(lease.id, 'revoked');
  t.equal((await refusalOf(pending)).code, 'LEASE_REVOKED');
  t.same(
    world.events('operation').map(({ result }) => result),
    ['ok', 'LEASE_REVOKED'],
    'what the cell did, and what became of it',
  );
});

t.test('CALL-8: a call whose end cannot be recorded is answered with that', async (t) => {
  const { world, agent } = await begin(t);
  const { text } = await leaseFor(world, agent, { ttlMs: 7 * 86_400_000 });
  world.cells.execute = () => {
    world.clock.advance(86_400_000);
    renameSync(join(world.stateDir, 'audit'), join(world.stateDir, 'away'));
    throw new AirlockError('UPSTREAM_REFUSED', 'the server said no');
  };
  const refusal = await refusalOf(call(agent, text));
  renameSync(join(world.stateDir, 'away'), join(world.stateDir, 'audit'));
  t.equal(refusal.code, 'AUDIT_UNAVAILABLE', 'a log of the next day cannot be begun');
  t.same(world.events('operation'), []);
});

t.test('names of signatures that were found are told with the answer', async (t) => {
  const { world, agent } = await begin(t);
  const { text } = await leaseFor(world, agent);
  world.cells.execute = () => ({ ...okResult(), risk: 0.7, signatures: ['persona'] });
  t.match((await call(agent, text)).meta, { risk: 0.7, signatures: ['persona'] });
  world.cells.execute = () => okResult();
  t.notOk('signatures' in (await call(agent, text)).meta);
});

t.test('SEEN-3: a result that scores above what a policy allows is withheld by the gateway too', async (t) => {
  const rules = rulesOf([{ id: 'calm', decision: 'allow', operations: ['search'], maxRisk: 0.3 }]);
  const { world, agent } = await begin(t, { rules });
  const { text } = await leaseFor(world, agent);
  world.cells.execute = () => ({ ...okResult(), risk: 0.31 });
  const refusal = await refusalOf(call(agent, text));
  t.match(refusal, { code: 'RISK_TOO_HIGH', data: { expected: 'a risk of at most 0.3', found: '0.31' } });
  world.cells.execute = () => ({ ...okResult(), risk: 0.3 });
  t.ok(await call(agent, text), 'negative control');
});

t.test('CALL-10: a cell that does not know what became of a write says how to find out, and that is passed on', async (t) => {
  const config = {
    permissions: { ...DEFAULT_CONFIG.permissions, allow: ['write' as const] },
    rules: rulesOf([{ id: 'send', decision: 'allow', operations: ['send'] }]),
  };
  const { world, agent } = await begin(t, config);
  const { text } = await leaseFor(world, agent, { scopes: ['mail:write'], unattended: ['mail:send'] });
  const codes = ['OUTCOME_UNKNOWN', 'UPSTREAM_TIMEOUT'] as const;
  const hints: unknown[] = [];
  for (const code of codes) {
    world.cells.execute = () => {
      throw new AirlockError(code, 'gone', { hint: 'look into the folder Sent' });
    };
    const refusal = await refusalOf(call(agent, text, 'send'));
    t.match(refusal, { code: 'OUTCOME_UNKNOWN', message: /whether it happened is not known/ });
    hints.push(refusal.data.hint);
  }
  t.equal(hints[0], 'look into the folder Sent');
  t.not(hints[1], hints[0], 'the hint of a timeout is of something else');
});

t.test('a cell that comes too late with its ticket is nothing the agent did: it may call again', async (t) => {
  const { world, agent } = await begin(t);
  world.cells.open = () => {
    throw new AirlockError('NOT_AUTHENTICATED', 'no such ticket');
  };
  const { text } = await leaseFor(world, agent);
  const refusal = await refusalOf(call(agent, text));
  t.match(refusal, { code: 'UNAVAILABLE', message: 'the cell was not ready in time', data: { retry: 'after' } });
  world.cells.open = () => ({});
  t.ok(await call(agent, text));
});

t.test('a credential that is replaced while its cell opens: the old one is refused, the next call has the new one', async (t) => {
  const { world, agent } = await begin(t);
  let refuse: (code: 'VAULT_UNREADABLE' | 'INTERNAL') => void = () => undefined;
  world.cells.open = () =>
    new Promise((_, reject) => (refuse = (code) => reject(new AirlockError(code, 'the key does not open it'))));
  const { text } = await leaseFor(world, agent);
  const opened = async (count: number): Promise<{ readonly pending: Promise<AirlockError> }> => {
    const pending = refusalOf(call(agent, text));
    await world.until(() => world.cells.opened.length === count, 'the cell');
    await world.settle();
    return { pending };
  };
  const rewrap = async (fill: number): Promise<void> => {
    const before = world.totp.calls.filter((name) => name === 'record.rewrap').length;
    world.totp.answers.set('record.rewrap', () => ({ wrapped: Buffer.alloc(60, fill).toString('base64url') }));
    world.totp.tell({ method: 'enrolled', params: { operator: 'default', enrolled: true } });
    await world.until(() => world.totp.calls.filter((name) => name === 'record.rewrap').length > before, 'the keys');
    await world.settle();
  };
  const first = await opened(1);
  await rewrap(8);
  refuse('VAULT_UNREADABLE');
  t.match(await first.pending, { code: 'UNAVAILABLE', message: 'the credential was replaced', data: { retry: 'after' } });
  const second = await opened(2);
  await rewrap(9);
  refuse('INTERNAL');
  t.equal((await second.pending).code, 'INTERNAL', 'another trouble is told as it is');
  const third = await opened(3);
  refuse('VAULT_UNREADABLE');
  t.equal((await third.pending).code, 'VAULT_UNREADABLE', 'and so is one of the record that stands');
});
