// Attack: many reloads and an apply at once, over files that change meanwhile. One whole set is in force after each, never a mixture. RULES-1, RULES-3.
import type { PolicyStatus } from '@airlock/protocol';
import type { CommandResult } from '@airlock/testkit';
import t from 'tap';
import { ask, connectTo } from './support/house.js';
import { policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

/** Two files that belong together: a set is whole where both say the same number. */
const half = (id: string, number: number): string =>
  policyText(id, [{ id: `v${number}`, decision: 'deny', operations: [`operation-${number}`] }]);
const numbersOf = ({ policies }: Pick<PolicyStatus, 'policies'>): string[] =>
  policies.map(({ rules }) => (rules as readonly { readonly id: string }[])[0]?.id ?? 'none');
const isWhole = (status: Pick<PolicyStatus, 'policies'>): boolean => {
  const numbers = numbersOf(status);
  return numbers.length === 2 && numbers[0] === numbers[1];
};

let house: RulesHouse;
t.before(async () => {
  house = await startRulesHouse('policies: {"*": [no-echo, no-pid]}\n');
  write(0);
  await house.reload();
  await house.apply();
});
t.teardown(() => house.stop());

const write = (number: number): void => {
  house.file('no-echo.json', half('no-echo', number));
  house.file('no-pid.json', half('no-pid', number));
};

t.test('negative control: halves of two sets are seen', (t) => {
  t.notOk(isWhole({ policies: [JSON.parse(half('a', 1)), JSON.parse(half('b', 2))] as PolicyStatus['policies'] }));
  t.end();
});

t.test('four commands that reload at once', async (t) => {
  for (const round of [1, 2]) {
    write(round);
    const reload = (): Promise<CommandResult> => house.running.command('airlock-ctl', ['policy', 'reload', '--json']);
    const answers = await Promise.all(Array.from({ length: 4 }, reload));
    for (const { json } of answers) t.match(json, { outcome: /staged|unchanged/ }, JSON.stringify(json).slice(0, 300));
    t.ok(isWhole(await house.status()), `whole in round ${round}`);
    const { staged } = await house.status();
    t.ok(staged !== null && staged.changes.some((change) => change.includes(`v${round}`)));
  }
});

t.test('an apply and reloads of other files at once: what the code was for, or nothing', async (t) => {
  for (let round = 10; round < 13; round += 1) {
    write(round);
    await house.reload();
    const { staged, digest: before } = await house.status();
    const wanted = staged?.digest;
    const ticket = await house.ticket();
    const applying = house.redeem(ticket).catch((thrown: unknown) => t.match(thrown, { code: 'NOT_FOUND' }));
    write(round + 100);
    const links = await Promise.all(Array.from({ length: 4 }, () => connectTo(house.running, 'operator/default')));
    await Promise.all([applying, house.reload(), ...links.map((link) => ask(link, 'policy.reload'))]);
    for (const link of links) link.close();
    const after = await house.status();
    t.ok(isWhole(after), numbersOf(after).join(', '));
    t.ok([wanted, before].includes(after.digest), 'the approved set or the one before');
    t.notOk(numbersOf(after).includes(`v${round + 100}`), 'never the one that nobody approved');
  }
});
