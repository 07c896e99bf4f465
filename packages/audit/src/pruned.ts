/** `log_pruned`: the record of a segment that was removed because of its age, written and signed before it goes (AUDIT-25). */
import type { Head } from './types.js';

/** What `log_pruned` says: the segment, and the head of the log behind its last record. */
export interface Pruned extends Head {
  readonly file: string;
  /** How many days were to be kept then. */
  readonly retainDays?: number;
}

const HASH = /^[0-9a-f]{64}$/u;

/** What a `log_pruned` line says; null where it is none. */
export const prunedIn = (line: Buffer): Pruned | null => {
  try {
    const { file, size, hash, retainDays } = JSON.parse(line.toString('utf8')) as Partial<Pruned>;
    const isWhole = typeof file === 'string' && Number.isSafeInteger(size) && typeof hash === 'string' && HASH.test(hash);
    const kept = typeof retainDays === 'number' ? { retainDays } : {};
    return isWhole && size !== undefined ? { file, size, hash, ...kept } : null;
  } catch {
    return null;
  }
};
