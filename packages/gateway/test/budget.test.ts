/** What a lease may use up: counted per position, on disk before the effect, and never given back. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AirlockError, type Json } from '@airlock/protocol';
import type { VerifiedLease } from '@airlock/lease';
import fc from 'fast-check';
import t from 'tap';
import { BudgetLedger } from '../src/leases/budget.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld } from './support/world.js';

interface Limit {
  readonly tag: string;
  readonly calls: number | null;
  readonly bytes: number | null;
}

/** What the ledger looks at of a lease. */
const lease = (id: string, budgets: readonly Limit[]): VerifiedLease =>
  ({ payload: { id }, budgets }) as unknown as VerifiedLease;
/** A result of so many bytes as JSON. */
const ofSize = (bytes: number): Json => 'x'.repeat(bytes - 2);
const isSpent = (work: () => void): boolean => {
  try {
    work();
    return false;
  } catch (thrown) {
    return thrown instanceof AirlockError && thrown.code === 'LEASE_BUDGET';
  }
};

t.test(
  'LEASE-16, BUDGET-3: a result larger than what is left is withheld, counts nothing, and the last byte ends the lease',
  async (t) => {
    const ledger = new BudgetLedger(null, 'boot');
    const one = lease('l', [{ tag: 'a', calls: null, bytes: 100 }]);
    ledger.take(one, ofSize(60));
    t.ok(isSpent(() => ledger.take(one, ofSize(41))));
    ledger.check(one);
    ledger.take(one, ofSize(40));
    t.ok(
      isSpent(() => ledger.check(one)),
      'refused before a call',
    );
    t.ok(isSpent(() => ledger.take(one, 0)));
    ledger.take(one, ofSize(500), true);
    ledger.take(lease('l', [{ tag: 'b', calls: 5, bytes: null }]), ofSize(500));
    t.pass('what was written is told; without a limit of bytes nothing is counted');
  },
);

t.test('LEASE-10 bytes of a narrowed lease count for all it came from, whatever is appended', async (t) => {
  const sizes = fc.array(fc.record({ bytes: fc.integer({ min: 2, max: 60 }), who: fc.integer({ min: 0, max: 2 }) }), {
    maxLength: 30,
  });
  const top: Limit = { tag: 'top', calls: null, bytes: 200 };
  const children = [
    lease('l', [top]),
    lease('l', [top, { tag: 'left', calls: null, bytes: 80 }]),
    lease('l', [top, { tag: 'right', calls: 9, bytes: 1000 }]),
  ];
  fc.assert(
    fc.property(sizes, (asked) => {
      const ledger = new BudgetLedger(null, 'boot');
      const given = [0, 0, 0];
      for (const { bytes, who } of asked) {
        const child = children[who];
        if (child === undefined || isSpent(() => ledger.take(child, ofSize(bytes)))) continue;
        given[who] = (given[who] ?? 0) + bytes;
      }
      return given.reduce((sum, one) => sum + one, 0) <= 200 && (given[1] ?? 0) <= 80;
    }),
  );
  t.pass();
});

t.test('BUDGET-1, BUDGET-3: calls and bytes stand in the file before the effect, and after a kill', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'airlock-budget-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'budgets.jsonl');
  const one = lease('l', [{ tag: 'a', calls: 3, bytes: 100 }]);
  const first = new BudgetLedger(path, 'boot');
  first.spend(one);
  first.take(one, ofSize(99));
  t.match(readFileSync(path, 'utf8'), /"used":1,"bytes":99/);
  const second = new BudgetLedger(path, 'boot');
  t.equal(second.usedOf('l'), 1);
  t.ok(isSpent(() => second.take(one, ofSize(2))));
  first.close();
  second.close();
  const other = new BudgetLedger(path, 'another boot');
  other.take(one, ofSize(100));
  other.close();
  t.pass('negative control: a reboot ends all leases');
});

t.test('BUDGET-1: lines that count nothing are left out, and those beside them count', async (t) => {
  const path = join(t.testdir({}), 'budgets.jsonl');
  const one = lease('l', [{ tag: 'a', calls: 3, bytes: 100 }]);
  const first = new BudgetLedger(path, 'boot');
  first.spend(one);
  first.close();
  const strange = [
    { lease: 'l', key: 'a', used: null },
    { lease: 'l', key: 'a', used: 0, bytes: '0' },
    { lease: 7, key: 'a', used: 0 },
  ];
  appendFileSync(path, [...strange, { lease: 'l', key: 7, used: 0 }].map((line) => `${JSON.stringify(line)}\n`).join(''));
  const second = new BudgetLedger(path, 'boot');
  t.equal(second.usedOf('l'), 1);
  t.equal(second.bytesOf('l'), 0);
  second.close();
});

t.test('a lease that was never used has used nothing, and one that ended is forgotten', async (t) => {
  const ledger = new BudgetLedger(null, 'boot');
  t.same([ledger.usedOf('l'), ledger.bytesOf('l')], [0, 0]);
  const one = lease('l', [{ tag: 'a', calls: 1, bytes: 10 }]);
  ledger.spend(one);
  ledger.take(one, ofSize(10));
  t.same([ledger.usedOf('l'), ledger.bytesOf('l')], [1, 10]);
  t.ok(isSpent(() => ledger.check(one)));
  ledger.forget('l');
  t.same([ledger.usedOf('l'), ledger.bytesOf('l')], [0, 0]);
});

t.test('a holder that narrows its lease by budgets without end is refused, and those that were counted stay', async (t) => {
  const ledger = new BudgetLedger(null, 'boot');
  const narrowed = (n: number): VerifiedLease => lease('l', [{ tag: `t${n}`, calls: 2, bytes: null }]);
  for (let n = 0; n < GATEWAY_LIMITS.maxBudgetPositions; n += 1) {
    ledger.check(narrowed(n));
    ledger.spend(narrowed(n));
  }
  t.ok(isSpent(() => ledger.check(narrowed(GATEWAY_LIMITS.maxBudgetPositions))));
  ledger.check(narrowed(0));
  ledger.check(lease('other', [{ tag: 'a', calls: 1, bytes: null }]));
  t.pass('a position that is counted already, and another lease');
});

t.test('CALL-7 a call over the bytes of its lease is answered with LEASE_BUDGET, and the next is not made', async (t) => {
  const world = await startWorld();
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session, budget: { bytes: 100 } });
  await world.until(() => world.events('lease_issued').length === 1, 'the lease');
  const ask = (): Promise<unknown> => agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  world.cells.execute = () => okResult(ofSize(70));
  await ask();
  const refusal = await refusalOf(ask());
  t.match(refusal, { code: 'LEASE_BUDGET', data: { expected: 'at most 30 bytes', found: '70 bytes' } });
  t.match(world.events('operation')[1], { result: 'LEASE_BUDGET', count: 0 });
  t.match(await agent.call('access.status'), { leases: [{ bytesLeft: 30 }] });
  world.cells.execute = () => okResult(ofSize(30));
  await ask();
  const { length } = world.cells.executed;
  t.equal((await refusalOf(ask())).code, 'LEASE_BUDGET');
  t.equal(world.cells.executed.length, length, 'no cell was asked');
});

t.test('SEEN-3 a cell that forgets the risk of a lease is not believed', async (t) => {
  const world = await startWorld();
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session, constraints: { maxRisk: 300 } });
  await world.until(() => world.events('lease_issued').length === 1, 'the lease');
  const ask = (): Promise<unknown> => agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  world.cells.execute = () => ({ ...okResult(), risk: 0.3 });
  await ask();
  t.match(world.cells.executed[0], { constraints: { maxRisk: 300 } }, 'the cell is told');
  world.cells.execute = () => ({ ...okResult(), risk: 0.301 });
  t.equal((await refusalOf(ask())).code, 'RISK_TOO_HIGH');
});
