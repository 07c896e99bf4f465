/** ENROL-8: what is stored is wrapped again for another phone, whatever else is stored or damaged. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { entry, startWorld, type World } from './support/world.js';

const EMPTY = JSON.stringify({ ...(JSON.parse(entry('empty')) as object), record: null, updatedAt: null });
const WRAPPED = Buffer.alloc(60, 9).toString('base64url');

/** With another file beside the service `mail`. */
const begin = async (t: Test, name: string, text: string): Promise<World> => {
  const world = await startWorld({
    prepare: ({ stateDir }) => writeFileSync(join(stateDir, `vault/default/${name}.json`), text, { mode: 0o600 }),
  });
  t.teardown(() => world.stop());
  world.totp.answers.set('record.rewrap', () => ({ wrapped: WRAPPED }));
  world.totp.answers.set('records.rewrapped', () => ({}));
  return world;
};
const enrolled = (world: World, operator = 'default'): void =>
  world.totp.tell({ method: 'enrolled', params: { operator, enrolled: true } });
const asked = (world: World, method: string): number => world.totp.calls.filter((name) => name === method).length;

t.test('a service without a credential is passed over, and what runs already is not begun twice', async (t) => {
  const world = await begin(t, 'empty', EMPTY);
  let told: object = {};
  world.totp.answers.set('records.rewrapped', (params) => ((told = params), {}));
  enrolled(world, 'somebody');
  enrolled(world);
  enrolled(world);
  await world.until(() => asked(world, 'records.rewrapped') > 0, 'the keys');
  await world.settle();
  t.equal(asked(world, 'record.rewrap'), 1, 'one record, once');
  t.equal(asked(world, 'records.rewrapped'), 1);
  t.match(told, { operator: 'default', records: [{ wrapped: WRAPPED }] });
});

t.test('where a file cannot be read, nobody says that everything is wrapped, and it is tried again', async (t) => {
  const world = await begin(t, 'damaged', '{');
  enrolled(world);
  await world.until(() => asked(world, 'record.rewrap') === 1, 'the first try');
  await world.settle();
  world.timers.advance(GATEWAY_LIMITS.rewrapRetryMs);
  await world.until(() => asked(world, 'record.rewrap') === 2, 'the second try');
  await world.settle();
  t.equal(asked(world, 'records.rewrapped'), 0);
});
