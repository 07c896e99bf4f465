import fc from 'fast-check';
import t from 'tap';
import { BudgetLedger, narrowLease, type VerifiedLease, verifyLease } from '../src/index.js';
import { codeOf, facts, KEY, mint, NOW_MS, payload } from './sample.js';

const verify = (lease: string): VerifiedLease => verifyLease(KEY, lease, facts());
const spendAll = (ledger: BudgetLedger, verified: VerifiedLease, tries: number): number => {
  let spent = 0;
  for (let count = 0; count < tries; count += 1) if (codeOf(() => ledger.spend(verified)) === null) spent += 1;
  return spent;
};

t.test('LEASE-10 all descendants spend one budget together', async (t) => {
  const ledger = new BudgetLedger();
  const parent = narrowLease(mint(), ['budget', { calls: 3 }]);
  const [left, right] = [
    verify(narrowLease(parent, ['scopes', ['gmail:read']])),
    verify(narrowLease(parent, ['expires', NOW_MS + 9])),
  ];
  ledger.spend(left);
  ledger.spend(right);
  t.equal(ledger.callsLeft(verify(parent)), 1);
  ledger.spend(left);
  for (const verified of [left, right, verify(parent)])
    t.equal(
      codeOf(() => ledger.spend(verified)),
      'LEASE_BUDGET',
    );
  t.equal(
    codeOf(() => ledger.spend(verify(mint()))),
    null,
    'the lease above the budget is not limited by it',
  );
});

t.test('LEASE-10 narrowing again never gives calls back', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
      (calls, limits) => {
        const ledger = new BudgetLedger();
        const issued = mint({ budget: { calls } });
        let spent = 0;
        let chained = issued;
        for (const [index, limit] of limits.entries()) {
          spent += spendAll(ledger, verify(narrowLease(issued, ['budget', { calls: limit }])), 2);
          chained = narrowLease(chained, index % 2 === 0 ? ['budget', { calls: limit }] : ['expires', NOW_MS + 1000]);
          spent += spendAll(ledger, verify(chained), 2);
        }
        if (spent > calls) throw new Error(`${spent} of ${calls}`);
      },
    ),
    { numRuns: 200, seed: 21 },
  );
  t.pass();
});

t.test('a call refused by one budget is counted by none', async (t) => {
  const ledger = new BudgetLedger();
  const issued = mint({ budget: { calls: 5 } });
  const narrow = verify(narrowLease(issued, ['budget', { calls: 1 }]));
  t.equal(spendAll(ledger, narrow, 4), 1);
  t.equal(ledger.callsLeft(verify(issued)), 4);
  t.equal(ledger.callsLeft(narrow), 0);
  t.equal(ledger.callsLeft(verify(mint())), null);
});

t.test('bytes are counted afterwards and end the budget', async (t) => {
  const ledger = new BudgetLedger();
  const verified = verify(mint({ budget: { bytes: 100 } }));
  ledger.spend(verified);
  ledger.addBytes(verified, 99);
  ledger.spend(verified);
  ledger.addBytes(verified, 1);
  t.equal(
    codeOf(() => ledger.spend(verified)),
    'LEASE_BUDGET',
  );
  t.equal(ledger.callsLeft(verified), null);
  ledger.addBytes(verify(mint()), 5);
  t.same(Object.keys(ledger.snapshot()), [payload().id]);
});

t.test('snapshot and restore keep what was used; drop forgets it', async (t) => {
  const ledger = new BudgetLedger();
  const verified = verify(mint({ budget: { calls: 2 } }));
  ledger.spend(verified);
  const kept = BudgetLedger.restore(structuredClone(ledger.snapshot()));
  t.equal(kept.callsLeft(verified), 1);
  t.same(kept.snapshot(), ledger.snapshot());
  kept.drop(payload().id);
  t.equal(kept.callsLeft(verified), 2);
  for (const bad of [{ a: { b: { calls: -1, bytes: 0 } } }, { a: { b: null } }, { a: { b: { calls: 1 } } }])
    t.equal(
      codeOf(() => BudgetLedger.restore(bad as never)),
      'INTERNAL',
    );
});

t.test('LEASE-10 the ledger holds no tag', async (t) => {
  const ledger = new BudgetLedger();
  const lease = mint({ budget: { calls: 2 } });
  ledger.spend(verify(lease));
  t.notOk(JSON.stringify([ledger.snapshot(), verify(lease)]).includes(lease.split('.').at(-1) ?? '?'));
});

t.test('a holder cannot fill the ledger with budgets without end', async (t) => {
  const ledger = new BudgetLedger();
  let taken = 0;
  for (let calls = 1; calls <= 300; calls += 1)
    if (codeOf(() => ledger.spend(verify(narrowLease(mint(), ['budget', { calls }])))) === null) taken += 1;
  t.equal(taken, 256);
});
