// Attack: kill -9 of the gateway at any moment of an apply. The old rules or the new ones are in force after it, whole. RULES-3.
import { restartWith, untilServing } from '@airlock/testkit';
import t from 'tap';
import { policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

let house: RulesHouse;
t.before(async () => {
  house = await startRulesHouse('policies: {"*": [no-echo, no-pid]}\n');
});
t.teardown(() => house.stop());

/** Large enough that writing it takes a while. */
const large = (number: number): string =>
  policyText(
    'no-echo',
    Array.from({ length: 1500 }, (_, index) => ({
      id: `r${index}`,
      decision: 'deny',
      operations: [`o${index}-${number}`],
      reason: 'r'.repeat(150),
    })),
  );

/** Turns of the loop that pass before the kill: from before the code is checked to after the answer. */
const delaysMs = [0, 5, 10, 20, 30, 40, 60, 80, 120, 200, 300, 400, 500, 700];

t.test('the old set or the new one, and it serves', { timeout: 200_000 }, async (t) => {
  const seen = new Set<string>();
  for (const [round, delayMs] of delaysMs.entries()) {
    house.file('no-echo.json', large(round));
    t.match((await house.reload()).json, { outcome: 'staged' });
    const { digest: old, staged } = await house.status();
    const applying = house.apply();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await restartWith(house.running, 'airlock-gateway');
    const { status } = await applying;
    await untilServing(house.running);
    const after = await house.status();
    const isNew = after.digest === staged?.digest;
    t.ok(isNew || after.digest === old, `killed after ${delayMs} ms`);
    if (status === 0) t.ok(isNew, 'what was answered is in force');
    t.equal(
      (after.policies.find(({ id }) => id === 'no-echo')?.['rules'] as readonly unknown[]).length,
      isNew ? 1500 : sizeOf(seen),
    );
    seen.add(isNew ? 'new' : 'old');
  }
});

const sizeOf = (seen: ReadonlySet<string>): number => (seen.has('new') ? 1500 : 1);

t.test('negative control: without a kill it is the new set', async (t) => {
  house.file('no-echo.json', large(1000));
  await house.reload();
  const { staged } = await house.status();
  t.match((await house.apply()).json, { outcome: 'applied' });
  t.equal((await house.status()).digest, staged?.digest);
});
