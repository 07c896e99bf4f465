/** LEASE-7: what two sets of constraints allow together is never more than either. */
import fc from 'fast-check';
import t from 'tap';
import { intersectConstraints, isRiskAllowed, riskThousandths } from '../src/index.js';

interface Limits {
  readonly folders?: string[];
  readonly since?: string;
  readonly before?: string;
  readonly maxResults?: number;
}
interface Item {
  readonly folder: string;
  readonly day: string;
  readonly place: number;
}

const folder = fc.constantFrom('INBOX', 'inbox', 'Sent', 'Work');
const day = fc.constantFrom('2025-01-01', '2025-06-01', '2026-01-01', '2026-06-01');
const limits: fc.Arbitrary<Limits> = fc.record(
  { folders: fc.uniqueArray(folder), since: day, before: day, maxResults: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: [] },
);
const item: fc.Arbitrary<Item> = fc.record({ folder, day, place: fc.integer({ min: 1, max: 12 }) });

const allows = ({ folders, since = '', before = '9', maxResults = Infinity }: Limits, one: Item): boolean =>
  folders?.includes(one.folder) !== false && one.day >= since && one.day < before && one.place <= maxResults;
const asMembers = (value: Limits): Parameters<typeof intersectConstraints>[0] => ({ ...value });

const isExact = (join: typeof intersectConstraints): fc.IPropertyWithHooks<[Limits[], Item]> =>
  fc.property(fc.array(limits, { maxLength: 6 }), item, (chain, one) => {
    const joined = chain.map(asMembers).reduce(join, {}) as Limits;
    return allows(joined, one) === chain.every((part) => allows(part, one));
  });

t.test('a chain of narrowing allows exactly what every link allows', async (t) => {
  fc.assert(isExact(intersectConstraints), { numRuns: 5000 });
  t.throws(
    () =>
      fc.assert(
        isExact((a, b) => ({ ...a, ...b })),
        { numRuns: 5000 },
      ),
    'negative control: the last word wins',
  );
});

t.test('a risk is within a limit of thousandths; a limit that is none allows nothing', async (t) => {
  t.ok(isRiskAllowed({}, 1));
  t.ok(isRiskAllowed({ maxRisk: 300 }, 0.3));
  t.notOk(isRiskAllowed({ maxRisk: 300 }, 0.3001));
  t.ok(isRiskAllowed({ maxRisk: 0 }, 0));
  for (const maxRisk of ['1000', null, 0.5, [], {}]) t.notOk(isRiskAllowed({ maxRisk }, 0), JSON.stringify(maxRisk));
  t.same(intersectConstraints({ maxRisk: 300 }, { maxRisk: 200 }), { maxRisk: 200 });
  t.equal(riskThousandths(0.2999), 299, 'rounded to what allows less');
});
