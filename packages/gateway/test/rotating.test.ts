/** Records that come back from a cell, with a cell that says anything. CELL-15, STORE-4. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CellRotate } from '@airlock/protocol';
import t from 'tap';
import type { Cell } from '../src/cells/cell.js';
import type { House } from '../src/house.js';
import { parseEntry, versionOf } from '../src/vault/entry.js';
import { Rotations } from '../src/vault/rotating.js';
import { ServiceStore } from '../src/vault/store.js';
import { entry, sealed } from './support/world.js';

const KEY = { lease: 'l', service: 'mail', role: 'default', operator: 'default' };

class FakeCell {
  isOpen = true;
  readonly answers: boolean[] = [];
  readonly rotated = (ok: boolean): Promise<void> => {
    this.answers.push(ok);
    return Promise.resolve();
  };
}

interface Bench {
  readonly store: ServiceStore;
  readonly committed: number[];
  retired: number;
  isRotating: boolean;
  isInstalled: boolean;
  /** Called before a change is recorded: what comes in between. */
  meanwhile: () => void;
  say(cell: FakeCell, rotate: CellRotate): Promise<boolean>;
}

const bench = (t: { teardown(end: () => void): void }): Bench => {
  const dir = mkdtempSync(join(tmpdir(), 'rot-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  new ServiceStore(dir, 'default');
  writeFileSync(join(dir, 'default/mail.json'), entry('mail', 3), { mode: 0o600 });
  const rotations = new Rotations();
  const made: Bench = {
    store: new ServiceStore(dir, 'default'),
    committed: [],
    retired: 0,
    isRotating: true,
    isInstalled: true,
    meanwhile: () => undefined,
    say: async (cell, rotate) => {
      await rotations.take(house, KEY, cell as unknown as Cell, rotate);
      return cell.answers.at(-1) ?? false;
    },
  };
  const house = {
    stores: new Map([['default', made.store]]),
    catalogue: {
      find: () =>
        made.isInstalled
          ? { manifest: { credential: { fields: { password: made.isRotating ? { rotating: true } : {} } } } }
          : null,
    },
    journal: {
      durable: () => {
        made.meanwhile();
        return Promise.resolve(1);
      },
    },
    clock: { wallMs: () => 1_790_000_000_000 },
    pool: { retireService: () => (made.retired += 1) },
    bridge: {
      call: (_: string, { version }: { version: number }) => {
        made.committed.push(version);
        return Promise.resolve({});
      },
    },
  } as unknown as House;
  return made;
};
const current = ({ store }: Bench): number => versionOf(store.get('mail'));

t.test('asked, told, stored: the next version takes the place of the one it came from', async (t) => {
  const one = bench(t);
  const cell = new FakeCell();
  t.equal(await one.say(cell, { base: 3 }), true);
  t.equal(await one.say(cell, { base: 3, record: sealed('mail', 7) }), true);
  t.same([current(one), one.committed, one.retired], [7, [7], 1]);
  t.equal(await one.say(cell, { base: 3 }), false, 'its own version is old now');
  t.equal(await one.say(new FakeCell(), { base: 7 }), true, 'the place is free again');
});

t.test('CELL-15: one cell at a time; one that is gone or gives up holds no place', async (t) => {
  const one = bench(t);
  const [first, second] = [new FakeCell(), new FakeCell()];
  t.equal(await one.say(first, { base: 3 }), true);
  t.equal(await one.say(second, { base: 3 }), false);
  t.equal(await one.say(second, { base: 3, record: sealed('mail', 8) }), false, 'nor is anything stored without leave');
  await one.say(first, { base: 3 });
  t.equal(await one.say(second, { base: 3 }), true, 'given up');
  second.isOpen = false;
  t.equal(await one.say(first, { base: 3 }), true, 'gone');
  t.equal(current(one), 3);
});

t.test('STORE-4: no record of another service, owner or destination, none that is older, none without leave', async (t) => {
  const bad: Record<string, CellRotate> = {
    'another service': { base: 3, record: sealed('calendar', 7) },
    'another owner': { base: 3, record: sealed('mail', 7, { owner: 'eve' }) },
    'another destination': { base: 3, record: sealed('mail', 7, { destination: '00'.repeat(32) }) },
    'the same version': { base: 3, record: sealed('mail', 3) },
    'an older one': { base: 3, record: sealed('mail', 2) },
    'no header': { base: 3, record: { ...sealed('mail', 7), header: 'AAAA' } },
    'another base': { base: 2, record: sealed('mail', 7) },
  };
  for (const [name, rotate] of Object.entries(bad)) {
    const one = bench(t);
    const cell = new FakeCell();
    t.equal(await one.say(cell, { base: 3 }), true);
    t.equal(await one.say(cell, rotate), false, name);
    t.same([current(one), one.committed], [3, []], name);
  }
  const none = bench(t);
  none.isRotating = false;
  t.equal(await none.say(new FakeCell(), { base: 3 }), false, 'a kind without such fields');
  const gone = bench(t);
  gone.isInstalled = false;
  t.equal(await gone.say(new FakeCell(), { base: 3 }), false, 'a kind that is not installed any more');
  const removed = bench(t);
  removed.store.remove('mail');
  t.equal(await removed.say(new FakeCell(), { base: 3 }), false, 'a service that was removed');
});

t.test('STORE-4: what the operator stored meanwhile stands', async (t) => {
  const one = bench(t);
  const cell = new FakeCell();
  t.equal(await one.say(cell, { base: 3 }), true);
  one.meanwhile = () => one.store.replace(parseEntry('mail.json', entry('mail', 9)));
  t.equal(await one.say(cell, { base: 3, record: sealed('mail', 7) }), false);
  t.same([current(one), one.committed, one.retired], [9, [], 0]);
});
