/** How many backups were made, and which restore was the last: `backups`, one small JSON file. */
import { corrupted, type StateDirectory } from '../state/directory.js';

export interface BackupCounter {
  /** Generation of the newest backup that is known here. */
  readonly made: number;
  /** Id of the last restore that took effect, or null; the gateway puts in force what it holds for it. */
  readonly restored: string | null;
}

const FILE = 'backups';

/** @throws AirlockError VAULT_UNREADABLE */
export const readCounter = (directory: StateDirectory): BackupCounter => {
  const bytes = directory.read(FILE);
  if (bytes === null) return { made: 0, restored: null };
  try {
    const { made, restored } = JSON.parse(bytes.toString('utf8')) as Partial<BackupCounter>;
    const isWhole = typeof made === 'number' && Number.isSafeInteger(made) && made >= 0;
    if (isWhole && (restored === null || typeof restored === 'string')) return { made, restored };
  } catch {
    // As any other form that is not ours.
  }
  throw corrupted(directory, FILE, 'is damaged');
};

/** Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const writeCounter = (directory: StateDirectory, counter: BackupCounter): void =>
  directory.write(FILE, Buffer.from(JSON.stringify(counter)));
