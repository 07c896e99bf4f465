/** What a cell is opened with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { orderFor } from '../src/call/cell-open.js';
import type { House } from '../src/house.js';
import { parseEntry } from '../src/vault/entry.js';
import { entry, refusalOf, startWorld } from './support/world.js';

const EMPTY = JSON.stringify({ ...(JSON.parse(entry('empty')) as object), record: null });

t.test('a service without a credential is neither called, nor opened ahead, nor opened at all', async (t) => {
  const world = await startWorld({
    prepare: ({ stateDir }) => writeFileSync(join(stateDir, 'vault/default/empty.json'), EMPTY, { mode: 0o600 }),
  });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session, scopes: ['empty:read'] });
  await world.settle();
  const call = agent.call('call', { lease: text, service: 'empty', operation: 'search', params: {} });
  t.match(await refusalOf(call), { code: 'VAULT_UNREADABLE', message: 'no credential is stored for empty' });
  t.equal(world.cells.opened.length, 0);
  const order = (): unknown => orderFor({} as House, 'default', parseEntry('empty.json', EMPTY), 'l', 'ticket');
  t.throws(order, { code: 'VAULT_UNREADABLE', data: { hint: /airlock-ctl credentials add empty/ } });
});

t.test(
  'a cell whose service lists operations itself is held to those that were accepted, and to none where none were',
  async (t) => {
    const pinsOf = (listed: boolean, accepted: Map<string, unknown>): unknown => {
      const house = { catalogue: { find: () => ({ manifest: { listed } }) }, listed: accepted } as unknown as House;
      return orderFor(house, 'default', parseEntry('mail.json', entry('mail')), 'l', 'ticket').pins;
    };
    const accepted = new Map([['default', { pins: () => ({ find: 'ab' }) }]]);
    t.same(pinsOf(true, accepted), { find: 'ab' });
    t.same(pinsOf(true, new Map()), {});
    t.equal(pinsOf(false, accepted), undefined, 'a kind whose services list nothing');
  },
);
