// The numbers of backups that are known here: handed out, kept, and over restores of others. BACKUP-4, BACKUP-10
import { DEFAULT_CONFIG } from '@airlock/protocol';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { keptOf } from '../src/backup/archive.js';
import { handedOut, keptToo, readCounter, writeCounter, type BackupCounter } from '../src/backup/counter.js';
import { applyPending, writePending } from '../src/backup/pending.js';
import { Journal } from '../src/heads/journal.js';
import { emptyState } from '../src/queue/state.js';
import { StateDirectory } from '../src/state/directory.js';
import { ManualClock, SECRET } from './support/daemon.js';

const ID = 'r'.repeat(22);
const DUE = { operators: ['bob'], services: 'ab'.repeat(32) };
const WRAPPING = Buffer.alloc(32, 1);

const emptyDirectory = (t: { teardown(run: () => void): void }): StateDirectory => {
  const path = mkdtempSync(join(tmpdir(), 'airlock-counter-'));
  chmodSync(path, 0o700);
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return new StateDirectory({ path });
};

/** The numbers that are known, as `made/kept`, after a restore of a backup of that number. */
const known = (
  t: { teardown(run: () => void): void },
  before: Pick<BackupCounter, 'made' | 'kept'>,
  generation: number,
): string => {
  const directory = emptyDirectory(t);
  writeCounter(directory, { ...before, restored: null, due: null });
  const secrets = { vaultId: 'v', root: Buffer.alloc(32, 2), firstEpoch: 0, totp: [SECRET], recovery: [] };
  const operators = [{ operator: 'bob', secrets, state: keptOf(emptyState('boot')) }];
  writePending(directory, WRAPPING, ID, {
    ...{ madeMs: 1, generation, operators, due: DUE },
    heads: { 'airlock-totp': null, 'airlock-gateway': null },
    keys: { 'airlock-totp': 'a', 'airlock-gateway': 'b', 'airlock-export': 'c' },
  });
  const random = { bytes: (length: number): Buffer => Buffer.alloc(length, 3), below: (): number => 0 };
  const journal = new Journal(null as never);
  journal.record = (): number => 1;
  const opening = { directory, wrappingKey: WRAPPING, journal, random, clock: new ManualClock() };
  applyPending({ ...opening, bootId: 'boot', config: DEFAULT_CONFIG });
  const { made, kept, restored, due } = readCounter(directory);
  if (restored !== ID || due?.services !== DUE.services) throw new Error('it did not take effect');
  return `${made}/${kept}`;
};

t.test('BACKUP-4: a restore of others never lowers what is known as the newest', async (t) => {
  t.equal(known(t, { made: 9, kept: 9 }, 2), '9/9', 'of another machine, that made fewer');
  t.equal(known(t, { made: 2, kept: 2 }, 9), '9/9', 'negative control: a higher one counts');
  t.equal(known(t, { made: 0, kept: 0 }, 2), '2/2', 'an empty machine');
});

t.test('BACKUP-10: a backup that nobody told of is known once it is restored, and no number is handed out again', async (t) => {
  t.equal(known(t, { made: 9, kept: 4 }, 7), '9/7');
  t.equal(known(t, { made: 9, kept: 4 }, 4), '9/4', 'the one before it');
});

t.test('BACKUP-10: what is handed out is not kept; what is kept was handed out, and does not go down', async (t) => {
  const given = handedOut(handedOut({ made: 0, kept: 0, restored: ID, due: null }));
  t.strictSame(given, { made: 2, kept: 0, restored: ID, due: null });
  const kept = keptToo(given, 2);
  t.strictSame(kept, { made: 2, kept: 2, restored: ID, due: null });
  t.strictSame(keptToo(kept, 1), kept, 'of a command that was slower');
  t.throws(() => keptToo(kept, 3), { code: 'PARAMS_INVALID', data: { expected: 'at most 2', found: '3' } });
  const directory = emptyDirectory(t);
  writeCounter(directory, kept);
  t.strictSame(readCounter(directory), kept);
});

interface Golden {
  readonly files: readonly { readonly bytes: string; readonly counter: BackupCounter }[];
  readonly damaged: readonly string[];
}

t.test('test/golden/backup-counter.json: what an earlier release wrote is read: each number was kept', async (t) => {
  const golden = new URL('../../../../test/golden/backup-counter.json', import.meta.url);
  const { files, damaged } = JSON.parse(readFileSync(golden, 'utf8')) as Golden;
  const directory = emptyDirectory(t);
  t.strictSame(readCounter(directory), { made: 0, kept: 0, restored: null, due: null }, 'none was made');
  const write = (bytes: string): void => writeFileSync(join(directory.path, 'backups'), bytes, { mode: 0o600 });
  for (const { bytes, counter } of files) {
    write(bytes);
    t.strictSame(readCounter(directory), counter, bytes);
  }
  for (const bytes of damaged) {
    write(bytes);
    t.throws(() => readCounter(directory), { code: 'VAULT_UNREADABLE' }, bytes);
  }
  const [newest] = files.slice(-1);
  writeCounter(directory, newest?.counter ?? { made: 0, kept: 0, restored: null, due: null });
  t.equal(readFileSync(join(directory.path, 'backups'), 'utf8'), newest?.bytes, 'as it is written now');
});
