/** What came of `doctor --attack` goes into the record: over root.sock alone, within bounds, with figures that agree. */
import { readFileSync } from 'node:fs';
import { asAirlockError, ATTACK_LIMITS, type AttackRun } from '@airlock/protocol';
import t from 'tap';
import { call, openHouse, recordsOf, refusal, type House } from './support/daemon.js';

const { good, refused } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/attack-run.json', import.meta.url), 'utf8'),
) as {
  readonly good: readonly AttackRun[];
  readonly refused: readonly { readonly why: string; readonly change: object; readonly field: string }[];
};

const open = async (t: { teardown(run: () => Promise<void>): void }): Promise<House> => {
  const house = await openHouse();
  t.teardown(() => house.end());
  return house;
};

/** What stands on disk. */
const runsOf = (house: House): Readonly<Record<string, unknown>>[] => recordsOf(house, 'attack_run');

t.test('ATTACKRUN-3: a run is on disk when its answer comes, as it was told', async (t) => {
  const house = await open(t);
  const root = await house.connect('root');
  for (const [index, run] of good.entries()) {
    const { seq } = await call<{ seq: number }>(root, 'attack.record', run);
    t.match(runsOf(house)[index], { ...run, seq, event: 'attack_run' });
  }
});

t.test('ATTACKRUN-1, ATTACKRUN-2: what is out of bounds or does not agree is named, and nothing is recorded', async (t) => {
  const house = await open(t);
  const root = await house.connect('root');
  for (const { why, change, field } of refused) {
    const error = asAirlockError(
      await call(root, 'attack.record', { ...good[0], ...change }).then(
        () => null,
        (thrown: unknown) => thrown,
      ),
    );
    t.equal(error.data.code, 'PARAMS_INVALID', why);
    t.equal(error.data.field, field, why);
  }
  t.same(runsOf(house), []);
});

t.test('ATTACKRUN-2: of many holes the first are named', async (t) => {
  const house = await open(t);
  const root = await house.connect('root');
  const through = ATTACK_LIMITS.holes + 5;
  const holes = Array.from({ length: ATTACK_LIMITS.holes }, (_, n) => `${n} `.padEnd(ATTACK_LIMITS.nameChars, 'x'));
  const run = { user: 'u'.repeat(64), role: 'default', probes: through, held: 0, untried: 0, through, holes };
  t.equal(await refusal(call(root, 'attack.record', run)), 'none', 'the largest there can be');
  t.same(runsOf(house)[0]?.['holes'], holes, 'stands in the record whole');
  const { length } = holes;
  t.equal(await refusal(call(root, 'attack.record', { ...run, holes: holes.slice(1) })), 'PARAMS_INVALID', `${length - 1} names`);
});

t.test('ATTACKRUN-1: nobody but root has the method', async (t) => {
  const house = await open(t);
  for (const name of ['approve/default', 'bridge'])
    t.equal(await refusal(call(await house.connect(name), 'attack.record', good[0])), 'METHOD_UNKNOWN', name);
  t.same(runsOf(house), []);
});
