// Attack: kill -9 of the gateway at any moment of an apply. The old rules or the new ones are in force after it, whole. RULES-3.
import { restartWith } from '@airlock/testkit';
import t from 'tap';
import { policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

let house: RulesHouse;
t.before(async () => {
  house = await startRulesHouse('policies: {"*": [no-echo, no-pid]}\n');
});
t.teardown(() => house.stop());

const RULES = 1500;
/** Large enough that writing it takes a while. */
const large = (number: number): string =>
  policyText(
    'no-echo',
    Array.from({ length: RULES }, (_, index) => ({
      id: `r${index}`,
      decision: 'deny',
      operations: [`o${index}-${number}`],
      reason: 'r'.repeat(150),
    })),
  );

/** Questions the gateway answers, from before the ticket is redeemed on; the last round waits for the answer. */
const DELAYS = [0, 1, 2, 4, 8, 16, 32, 64, Infinity];

/** Which of the sets of this test is in force, as far as its rules say so; null where they are not all of one. */
const numberOf = (rules: readonly { readonly operations: readonly string[] }[]): string | null => {
  const numbers = new Set(rules.map(({ operations: [name = ''] }) => name.split('-')[1] ?? 'none'));
  const [first = null] = numbers;
  return numbers.size === 1 && (rules.length === RULES || first === 'none') ? first : null;
};

t.test('the old set or the new one, and it serves', { timeout: 200_000 }, async (t) => {
  let isAnswered = false;
  for (const [round, delay] of DELAYS.entries()) {
    house.file('no-echo.json', large(round));
    t.match(await house.reload(), { outcome: 'staged' });
    const { digest: old, staged } = await house.status();
    const answer = house.redeem(await house.ticket()).catch(() => null);
    if (delay === Infinity) await answer;
    else for (let asked = 0; asked < delay; asked += 1) await house.status();
    await restartWith(house.running, 'airlock-gateway');
    const applied = await answer;
    const after = await house.status();
    const isNew = after.digest === staged?.digest;
    t.ok(isNew || after.digest === old, `killed after ${delay} answers: ${isNew ? 'the new set' : 'the old set'}`);
    if (applied !== null) t.ok(isNew, 'what was answered is in force');
    isAnswered ||= applied !== null;
    const rules = after.policies.find(({ id }) => id === 'no-echo')?.['rules'] as Parameters<typeof numberOf>[0];
    t.not(numberOf(rules), null, 'whole');
    t.equal(numberOf(rules) === String(round), isNew);
  }
  t.ok(isAnswered, 'negative control: without a kill in time it is applied');
});

t.test('negative control: halves of two sets would be seen', (t) => {
  const rulesOf = (number: number): Parameters<typeof numberOf>[0] =>
    (JSON.parse(large(number)) as { rules: Parameters<typeof numberOf>[0] }).rules;
  t.equal(numberOf(rulesOf(3)), '3');
  t.equal(numberOf([...rulesOf(1).slice(0, 700), ...rulesOf(2).slice(700)]), null);
  t.equal(numberOf(rulesOf(1).slice(1)), null);
  t.end();
});
