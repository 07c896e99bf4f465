/**
 * Numbers of backups, and which restore was the last: `backups`, one small JSON file (docs/spec/backup.md "Two numbers").
 *
 * BACKUP-10  a number is handed out once, durably before it is; it counts as kept only when that was said, or it is restored.
 * BACKUP-12  what the gateway has to put in force is due until it said that it did.
 */
import { AirlockError, type DueRestore } from '@airlock/protocol';
import { corrupted, type StateDirectory } from '../state/directory.js';

export interface BackupCounter {
  /** Newest number that was handed out, whatever came of it. */
  readonly made: number;
  /** Newest number of a backup that is known to exist; nothing older is restored here (BACKUP-4). */
  readonly kept: number;
  /** Id of the last restore that took effect, or null. */
  readonly restored: string | null;
  /** Told to the gateway at each hello, which puts in force what it holds for it. */
  readonly due: DueRestore | null;
}

const FILE = 'backups';

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isText = (value: unknown): value is string => typeof value === 'string';

const isDue = (value: unknown): value is DueRestore => {
  const { id, operators, services } = (value ?? {}) as Partial<DueRestore>;
  return isText(id) && isText(services) && Array.isArray(operators) && operators.every(isText);
};

/** A file of before has no `kept`, and meant that each was; nor `due`, and nothing was known of it. @throws AirlockError VAULT_UNREADABLE */
export const readCounter = (directory: StateDirectory): BackupCounter => {
  const bytes = directory.read(FILE);
  if (bytes === null) return { made: 0, kept: 0, restored: null, due: null };
  try {
    const { made, kept = made, restored, due = null } = JSON.parse(bytes.toString('utf8')) as Partial<BackupCounter>;
    const isWhole = isNumber(made) && isNumber(kept) && kept <= made;
    if (isWhole && (restored === null || isText(restored)) && (due === null || isDue(due))) return { made, kept, restored, due };
  } catch {
    // As any other form that is not ours.
  }
  throw corrupted(directory, FILE, 'is damaged');
};

/** Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const writeCounter = (directory: StateDirectory, { due, kept, made, restored }: BackupCounter): void =>
  directory.write(FILE, Buffer.from(JSON.stringify({ due, kept, made, restored })));

/** The next number, as handed out. */
export const handedOut = (counter: BackupCounter): BackupCounter => ({ ...counter, made: counter.made + 1 });

/** A backup of this number exists. @throws AirlockError PARAMS_INVALID for one that was never handed out */
export const keptToo = (counter: BackupCounter, generation: number): BackupCounter => {
  if (generation <= counter.made) return { ...counter, kept: Math.max(counter.kept, generation) };
  throw new AirlockError('PARAMS_INVALID', `backup ${generation} was never made here`, {
    field: 'params.generation',
    expected: `at most ${counter.made}`,
    found: String(generation),
  });
};

/** A restore took effect. BACKUP-4: neither number goes down. */
export const restoredFrom = ({ made, kept }: BackupCounter, generation: number, due: DueRestore): BackupCounter => ({
  made: Math.max(made, generation),
  kept: Math.max(kept, generation),
  restored: due.id,
  due,
});
