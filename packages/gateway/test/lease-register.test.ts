/** The leases that live, and what those that do not are answered. LEASES-1 to LEASES-3. */
import type { AirlockError, LeaseEnd, RegisteredLease } from '@airlock/protocol';
import t from 'tap';
import { LeaseRegister } from '../src/leases/register.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { ManualClock } from './support/time.js';

interface Bench {
  readonly clock: ManualClock;
  readonly register: LeaseRegister;
  readonly ends: [string, LeaseEnd][];
  readonly lease: (id: string, session?: string) => RegisteredLease;
}

const bench = (): Bench => {
  const clock = new ManualClock();
  const ends: [string, LeaseEnd][] = [];
  const register = new LeaseRegister(clock, ({ id }, why) => void ends.push([id, why]));
  const lease = (id: string, session = 's'): RegisteredLease => ({
    ...{ id, session, operator: 'default', role: 'default', scopes: [], constraints: {}, intent: null, budget: null },
    ...{ issuedMs: clock.wall, expiresMs: clock.wall + 1000, bootDeadlineMs: clock.boot + 1000 },
  });
  return { clock, register, ends, lease };
};
const said = ({ code, message }: AirlockError): string => `${code}: ${message}`;

t.test('LEASES-1: what airlock-totp does not name any more has ended, by its time or by somebody', (t) => {
  const { clock, register, ends, lease } = bench();
  register.add(lease('short'));
  clock.advance(500);
  for (const id of ['long', 'kept']) register.add(lease(id));
  clock.advance(600);
  register.replace([lease('kept')]);
  t.same(ends, [
    ['short', 'expired'],
    ['long', 'revoked'],
  ]);
  t.equal(register.size, 1);
  t.match(said(register.whyNot('short', 0)), /^LEASE_EXPIRED/);
  t.match(said(register.whyNot('long', 0)), /^LEASE_REVOKED: the operator revoked/);
  t.end();
});

t.test('LEASES-3: one that was never in the list is refused by what its own text says', (t) => {
  const { clock, register } = bench();
  t.match(said(register.whyNot('unknown', clock.wall)), /^LEASE_EXPIRED/);
  t.match(said(register.whyNot('unknown', clock.wall + 1)), /^LEASE_REVOKED/);
  t.end();
});

t.test('a session has a lease until the last of its leases has ended', (t) => {
  const { register, lease } = bench();
  for (const id of ['one', 'two', 'two']) register.add(lease(id));
  register.add(lease('three', 'other'));
  register.end('one', 'released');
  t.ok(register.hasSession('s'));
  register.end('two', 'released');
  register.end('two', 'released');
  t.notOk(register.hasSession('s'));
  t.ok(register.hasSession('other'));
  t.end();
});

t.test('as many ended leases are remembered as there is room for, the newest of them', (t) => {
  const { register, lease, ends } = bench();
  const { maxEndedLeases } = GATEWAY_LIMITS;
  for (let n = 0; n <= maxEndedLeases; n += 1) {
    register.add(lease(`l${n}`));
    register.end(`l${n}`, 'released');
  }
  t.equal(ends.length, maxEndedLeases + 1);
  t.match(said(register.whyNot('l0', 0)), /^LEASE_EXPIRED/, 'forgotten: what its text says');
  t.match(said(register.whyNot('l1', 0)), /was released/);
  t.match(said(register.whyNot(`l${maxEndedLeases}`, 0)), /was released/);
  t.end();
});
