/** Cells, slots and last words by themselves. POOL-1, POOL-2, SLOT-1, SLOT-2, UPSTREAM-7. */
import { AirlockError, type CellOpenParams } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LastWords } from '../src/cells/last-words.js';
import { CellPool, type CellKey } from '../src/cells/pool.js';
import { SlotLedger } from '../src/cells/slots.js';
import { FakeCells } from './support/fake-cells.js';
import { ManualClock } from './support/time.js';
import { DESTINATION, refusalOf, sealed } from './support/world.js';

const KEY: CellKey = { lease: 'lease-1', service: 'mail', role: 'default', operator: 'default' };
const ORDER: CellOpenParams = {
  ...{ lease: 'lease-1', service: 'mail', kind: 'fake', settings: {}, destination: DESTINATION, record: sealed('mail') },
  ticket: Buffer.alloc(32, 1).toString('base64url'),
};

interface Bench {
  readonly pool: CellPool;
  readonly slots: SlotLedger;
  readonly cells: FakeCells;
  readonly clock: ManualClock;
}

const bench = async (t: Test): Promise<Bench> => {
  const dir = mkdtempSync(join(tmpdir(), 'pool-'));
  const [cells, clock, slots] = [new FakeCells(), new ManualClock(), new SlotLedger(2)];
  await cells.listen(dir, 2);
  const ignore = (): void => undefined;
  const pool = new CellPool({
    ...{ slots, clock, timers: new ManualTimers() },
    slotPath: (slot) => join(dir, 'cell', `${slot}.sock`),
    ...{ onListed: ignore, onEvent: ignore, onCodeAsked: ignore, onSaid: ignore, onRotate: ignore },
  });
  t.teardown(async () => {
    pool.endAll(new AirlockError('UNAVAILABLE', 'over'));
    await cells.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { pool, slots, cells, clock };
};

t.test(
  'POOL-2: a lease that ends before the ticket of its cell came: no slot is connected to, and it is free again',
  async (t) => {
    const { pool, slots, cells } = await bench(t);
    let give: (order: CellOpenParams) => void = () => undefined;
    const opening = refusalOf(pool.get(KEY, () => new Promise((resolve) => (give = resolve))));
    const ended = new AirlockError('LEASE_REVOKED', 'revoked');
    pool.endLease('lease-1', ended);
    t.equal(await opening, ended, 'told at once');
    t.equal(slots.inUse, 1, 'while the ticket may still come');
    give(ORDER);
    await pool.opened();
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(slots.inUse, 0);
    t.equal(cells.opened.length, 0);
  },
);

t.test('a cell that is free is ended when its credential is replaced; the next call gets a fresh one', async (t) => {
  const { pool, cells } = await bench(t);
  const prepare = (): Promise<CellOpenParams> => Promise.resolve(ORDER);
  const first = await pool.get(KEY, prepare);
  t.equal(await pool.get(KEY, prepare), first, 'one cell as long as nothing changes');
  pool.retireService('default', 'mail');
  t.notOk(first.isOpen);
  const second = await pool.get(KEY, prepare);
  t.not(second, first);
  t.equal(cells.opened.length, 2);
  pool.retireService('default', 'other');
  t.ok(second.isOpen, 'negative control: of another service');
});

t.test('a cell that is too old for its unit is ended where it is free, and replaced', async (t) => {
  const { pool, clock } = await bench(t);
  const prepare = (): Promise<CellOpenParams> => Promise.resolve(ORDER);
  const first = await pool.get(KEY, prepare);
  clock.advance(13 * 60_000);
  const second = await pool.get(KEY, prepare);
  t.not(second, first);
  t.same([first.isOpen, second.isOpen], [false, true]);
});

t.test('SLOT-2: agents leave the last slot to the operator, who is told when there is none', async (t) => {
  const slots = new SlotLedger(2);
  const [agent, operator] = [
    { role: 'default', operator: 'default' },
    { role: 'operator', operator: 'default' },
  ];
  t.equal(slots.take(agent), 0);
  t.throws(() => slots.take(agent), { code: 'UNAVAILABLE', message: 'every cell slot that agents may use is in use' });
  t.equal(slots.take(operator), 1);
  t.throws(() => slots.take(operator), { code: 'UNAVAILABLE', message: 'all 2 cell slots are in use' });
  slots.free(0);
  t.equal(slots.take(operator), 0);
});

t.test('UPSTREAM-7: last words of 128 services are kept, those of whoever said nothing for longest go first', async (t) => {
  const words = new LastWords(new ManualClock());
  const key = (n: number): { operator: string; service: string } => ({ operator: 'default', service: `s${n}` });
  for (let n = 0; n < 128; n += 1) words.take(key(n), `text ${n}`);
  words.take(key(0), 'said again');
  words.take(key(128), 'one more');
  t.equal(words.of(key(0))?.text, 'said again');
  t.equal(words.of(key(1)), null, 'forgotten');
  t.equal(words.of(key(2))?.text, 'text 2');
  t.equal(words.of(key(128))?.text, 'one more');
});
