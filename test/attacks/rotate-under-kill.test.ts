// Attack: a lease of before used after the keys were changed, and kill -9 at every step of the change. ROTATE-1, ROTATE-2, ROTATE-4.
import { obtainLease, openSession, refusalOf, startTestInstance, until, type AgentSession, type Running } from '@airlock/testkit';
import { asLeaseKey, mintLease, parseLease } from '@airlock/lease';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { auditOf, connectTo, countUnread, untilServing } from './support/house.js';
import { arm, disarm, isArmed, KILL_AT, type KillOrder } from './support/kill-at.js';
import { addSealed, approveWith, openedWith, storedRecord } from './support/keys.js';
import { addService, maildir } from './support/service.js';

const TOKEN = 'token-that-stays';

let running: Running;
t.setTimeout(400_000);
t.before(async () => {
  running = await startTestInstance({ cells: 4, preload: KILL_AT });
  await addSealed(running, running.secret, 'sealed', TOKEN);
  const link = await connectTo(running, 'approve/default');
  await addService(running, link, await approveWith(running, link, running.secret, 'service.add', maildir(running)));
  link.close();
});
t.teardown(() => running.stop());

const epochOf = (): number => {
  const { header, wrapped } = storedRecord(running, 'sealed');
  const bytes = Buffer.from(wrapped, 'base64url');
  const { epoch } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { epoch: number };
  return bytes.length > 60 ? bytes.readUInt32BE() : epoch;
};
const secretBytes = (): number => statSync(join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'totp/default.secret')).size;

const rotate = async (params: object = {}): Promise<string | null> => {
  const link = await connectTo(running, 'approve/default');
  try {
    return await refusalOf(approveWith(running, link, running.secret, 'rotate', params));
  } finally {
    link.close();
  }
};

const freshLease = async (agent: AgentSession): Promise<string> => {
  running.clock.advance(90_000);
  return (await obtainLease(running, agent, ['mail:read'])).lease;
};

t.test(
  'ROTATE-2: leases of before go on and others of their key do not, new ones work at once, no daemon restarted',
  async (t) => {
    const agent = await openSession(running);
    t.teardown(() => agent.close());
    const before = await freshLease(agent);
    running.clock.advance(90_000);
    const epoch = epochOf();
    const done = await running.command('airlock-ctl', ['rotate', '--json'], { stdin: `${running.freshCode()}\n` });
    t.match(done.json, { rotated: true, leases: 'kept' }, done.stdout);
    t.equal(await refusalOf(countUnread(agent, before)), null);
    const after = await freshLease(agent);
    t.not(parseLease(after).payload.kid, parseLease(before).payload.kid, 'minted with another key');
    t.equal(await refusalOf(countUnread(agent, after)), null);
    t.equal(await refusalOf(countUnread(agent, before)), null, 'still');
    const { payload } = parseLease(before);
    const other = mintLease(asLeaseKey(Buffer.alloc(32, 1)), payload);
    t.equal(await refusalOf(countUnread(agent, other)), 'LEASE_INVALID', 'of a key that never was');
    await until('the next epoch', () => epochOf() > epoch);
    t.equal(await refusalOf(agent.call('access.release', { lease: before })), null, 'its holder can give it up');
    t.match(String(await refusalOf(countUnread(agent, before))), /^LEASE_(?:REVOKED|INVALID|EXPIRED)$/);
    t.equal(await refusalOf(countUnread(agent, after)), null, 'nothing else ended with it');
  },
);

t.test(
  'ROTATE-4: with --end-leases leases of before are dead, new ones work at once, credentials open, no daemon restarted',
  async (t) => {
    const agent = await openSession(running);
    t.teardown(() => agent.close());
    const before = await freshLease(agent);
    t.equal(await refusalOf(countUnread(agent, before)), null, 'negative control: it worked');
    const refused = await running.command('airlock-ctl', ['rotate', '--json'], { stdin: '000000\n' });
    t.equal(refused.status, 4, 'not without a code');
    t.equal(await refusalOf(countUnread(agent, before)), null);
    running.clock.advance(90_000);
    const epoch = epochOf();
    const done = await running.command('airlock-ctl', ['rotate', '--end-leases', '--json'], {
      stdin: `${running.freshCode()}\n`,
    });
    t.match(done.json, { rotated: true, leases: 'ended' }, done.stdout);
    t.match(String(await refusalOf(countUnread(agent, before))), /^LEASE_(?:REVOKED|INVALID)$/);
    const after = await freshLease(agent);
    t.equal(await refusalOf(countUnread(agent, after)), null, 'a lease of the new key, on the same session');
    t.match(String(await refusalOf(countUnread(agent, before))), /^LEASE_(?:REVOKED|INVALID)$/, 'still');
    await until('the key of the record is of the next epoch', () => epochOf() === epoch + 1);
    t.equal(await openedWith(running, running.secret, 'sealed'), TOKEN);
    t.equal((await auditOf(running, 'started')).length, 2, 'each daemon started once');
    t.match(await auditOf(running, 'keys_rotated'), [{ leases: 'kept' }, { leases: 'ended', epoch: epoch + 1 }]);
  },
);

type Tap = typeof t;
const round = async (
  t: Pick<Tap, 'equal' | 'ok'>,
  order: KillOrder,
  params: { readonly endLeases?: boolean },
): Promise<boolean> => {
  const agent = await openSession(running);
  const before = await freshLease(agent);
  const epoch = epochOf();
  const settled = secretBytes();
  running.clock.advance(90_000);
  arm(running, order);
  await rotate(params);
  const forgotten = (): boolean => epochOf() > epoch && secretBytes() <= settled + 12;
  await until('the kill, or the end', () => !isArmed(running) || forgotten());
  const killed = !disarm(running);
  await untilServing(running);
  const name = `${order.program}, step ${order.at}`;
  const isKept = order.program === 'airlock-totp' && params.endLeases !== true;
  if (isKept)
    await until(`${name}: the lease of before works`, async () => (await refusalOf(countUnread(agent, before))) === null);
  agent.close();
  const next = await openSession(running);
  const outcome = await refusalOf(countUnread(next, before));
  t.ok(outcome !== null, `${name}: another session gets nothing (${String(outcome)})`);
  const works = await freshLease(next);
  t.equal(await refusalOf(countUnread(next, works)), null, `${name}: a new lease works`);
  t.equal(await openedWith(running, running.secret, 'sealed'), TOKEN, `${name}: the credential opens`);
  next.close();
  return killed;
};
for (const [program, params] of [
  ['airlock-totp', {}],
  ['airlock-totp', { endLeases: true }],
  ['airlock-gateway', {}],
] as const) {
  t.test(`ROTATE-1: kill -9 of ${program} at every step ${JSON.stringify(params)}`, { timeout: 240_000 }, async (t) => {
    let at = 1;
    while (at < 40 && (await round(t, { program, at, both: false }, params))) at += 1;
    t.ok(at > 2 && at < 40, `ended at step ${at}`);
  });
}

t.test('after all of it the change completes, and the record verifies', async (t) => {
  running.clock.advance(90_000);
  t.equal(await rotate(), null);
  const epoch = epochOf();
  await until('the next epoch', () => epochOf() >= epoch);
  t.equal(await openedWith(running, running.secret, 'sealed'), TOKEN);
  const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
  t.equal(verified.status, 0, verified.stdout);
});
