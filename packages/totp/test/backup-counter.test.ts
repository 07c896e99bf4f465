// The number of the newest backup that is known here, over restores of others. BACKUP-4
import { DEFAULT_CONFIG } from '@airlock/protocol';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { keptOf } from '../src/backup/archive.js';
import { readCounter, writeCounter } from '../src/backup/counter.js';
import { applyPending, writePending } from '../src/backup/pending.js';
import { Journal } from '../src/heads/journal.js';
import { emptyState } from '../src/queue/state.js';
import { StateDirectory } from '../src/state/directory.js';
import { ManualClock, SECRET } from './support/daemon.js';

const ID = 'r'.repeat(22);
const WRAPPING = Buffer.alloc(32, 1);

/** The number that is known after a restore of a backup of that number. */
const known = (t: { teardown(run: () => void): void }, made: number, generation: number): number => {
  const path = mkdtempSync(join(tmpdir(), 'airlock-counter-'));
  chmodSync(path, 0o700);
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const directory = new StateDirectory({ path });
  writeCounter(directory, { made, restored: null });
  const secrets = { vaultId: 'v', root: Buffer.alloc(32, 2), firstEpoch: 0, totp: [SECRET], recovery: [] };
  const operators = [{ operator: 'bob', secrets, state: keptOf(emptyState('boot')) }];
  writePending(directory, WRAPPING, ID, {
    ...{ madeMs: 1, generation, operators },
    heads: { 'airlock-totp': null, 'airlock-gateway': null },
    keys: { 'airlock-totp': 'a', 'airlock-gateway': 'b', 'airlock-export': 'c' },
  });
  const random = { bytes: (length: number): Buffer => Buffer.alloc(length, 3), below: (): number => 0 };
  const journal = new Journal(null as never);
  journal.record = (): number => 1;
  const opening = { directory, wrappingKey: WRAPPING, journal, random, clock: new ManualClock() };
  applyPending({ ...opening, bootId: 'boot', config: DEFAULT_CONFIG });
  return readCounter(directory).made;
};

t.test('BACKUP-4: a restore of others never lowers what is known as the newest', async (t) => {
  t.equal(known(t, 9, 2), 9, 'of another machine, that made fewer');
  t.equal(known(t, 2, 9), 9, 'negative control: a higher one counts');
  t.equal(known(t, 0, 2), 2, 'an empty machine');
});
