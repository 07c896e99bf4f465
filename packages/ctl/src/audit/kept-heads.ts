/** Heads that somebody kept, which the record must contain: `--head`, signed notes and hashes that were written down. */
import { parseSignedHead } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import { readFileSync } from 'node:fs';

/** What somebody kept of an earlier state, to be found in the log: signed notes, and hashes without a signature. */
export interface Kept {
  readonly notes: readonly string[];
  readonly hashes: readonly string[];
}

/** A key or note is a few hundred bytes; whatever is far larger was named by mistake. */
const MAX_NOTE_BYTES = 16_384;

/** @throws AirlockError PARAMS_INVALID */
export const readSmall = (path: string, flag: string, expected: string): string => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= MAX_NOTE_BYTES) return text;
  } catch {
    // Told below.
  }
  throw new AirlockError('PARAMS_INVALID', `${flag}: ${path} cannot be read as ${expected}`, {
    field: flag,
    expected,
    found: path,
  });
};

const HASH = /^[0-9a-f]{64}$/i;

/** `--head`: 64 hexadecimal digits, or a file with a signed note. @throws AirlockError PARAMS_INVALID */
export const parseKept = (given: readonly string[]): Kept => {
  const kept = { notes: [] as string[], hashes: [] as string[] };
  for (const one of given) {
    if (HASH.test(one)) {
      kept.hashes.push(one.toLowerCase());
      continue;
    }
    const text = readSmall(one, '--head', '64 hexadecimal digits, or a file with a signed note');
    parseSignedHead(text);
    kept.notes.push(text);
  }
  return kept;
};
