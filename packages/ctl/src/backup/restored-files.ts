/** Configuration files of a backup, put back where they differ; the old one stays beside, and at every moment there is one or the other. */
import { AirlockError } from '@airlock/protocol';
import { copyFileSync, lstatSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, ROLES_FILE, syncPath, YAML_FILE } from '../config/compile.js';
import type { Context } from '../context.js';
import { PATHS_FILE } from '../paths/registry.js';
import { CONFIG_FOLDERS, type BackupBody } from './collect.js';
import { isFileName } from './restorable.js';

/** Users, groups and sockets belong to a machine, not to a backup. */
const OF_THE_MACHINE = new Set([ROLES_FILE, PATHS_FILE]);

/** airlock.yaml, or a file right in one of the folders that a backup takes along. */
export const isOurs = (file: string): boolean => {
  if (file === YAML_FILE) return true;
  const folder = CONFIG_FOLDERS.find((one) => file.startsWith(`${one}/`));
  return folder !== undefined && isFileName(file.slice(folder.length + 1));
};

/** What came of the files of a backup, by their relative path. */
export interface RestoredFiles {
  readonly written: readonly string[];
  /** Files that a restore puts nowhere. */
  readonly leftOut: readonly string[];
  /** Files that could not be written, each with why. */
  readonly failed: readonly { readonly path: string; readonly why: string }[];
}

const KEPT = '.before-restore';

/** Beside it, where nothing is yet: what was kept before is never written over. @returns null where the same is kept already */
const keptPath = (path: string): string | null => {
  for (let n = 1; ; n += 1) {
    const kept = `${path}${KEPT}${n === 1 ? '' : `.${n}`}`;
    const stat = lstatSync(kept, { throwIfNoEntry: false });
    if (stat === undefined) return kept;
    if (stat.isFile() && readFileSync(kept).equals(readFileSync(path))) return null;
  }
};

/** Whole under its name or not there; the file itself stays. */
const keepBeside = (path: string): void => {
  const kept = keptPath(path);
  if (kept === null) return;
  const temporary = `${path}.${process.pid}.kept`;
  copyFileSync(path, temporary);
  syncPath(temporary);
  renameSync(temporary, kept);
};

/** @returns whether it was written @throws Error of the system */
const putBack = (path: string, text: string): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === false) throw new Error('no ordinary file');
  const present = stat === undefined ? null : readFileSync(path, 'utf8');
  if (present === text) return false;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (present !== null) keepBeside(path);
  replaceFile(path, text, 0o644);
  return true;
};

const kindOf = (path: string): 'a directory' | 'a file' | null => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.isDirectory() ? 'a directory' : 'a file';
};

/** What stands where it has to be, in words for people; else the word of the system. */
const obstacle = (path: string, thrown: unknown): { readonly path: string; readonly why: string } => {
  const folder = dirname(path);
  if (kindOf(folder) === 'a file') return { path: folder, why: 'is no directory' };
  if (kindOf(path) === 'a directory') return { path, why: 'is a directory' };
  return { path, why: `cannot be written (${(thrown as NodeJS.ErrnoException).code ?? (thrown as Error).message})` };
};

/** Writes those that differ. Never throws for one of them: the others and the rules count as well. */
export const restoreFiles = ({ configDir }: Pick<Context, 'configDir'>, config: BackupBody['config']): RestoredFiles => {
  const [written, leftOut]: [string[], string[]] = [[], []];
  const failed = new Map<string, string>();
  for (const [file, text] of Object.entries(config)) {
    const path = join(configDir, file);
    if (OF_THE_MACHINE.has(file)) continue;
    if (!isOurs(file)) leftOut.push(file);
    else
      try {
        if (putBack(path, text)) written.push(file);
      } catch (thrown) {
        const found = obstacle(path, thrown);
        failed.set(found.path, found.why);
      }
  }
  return { written, leftOut, failed: [...failed].map(([path, why]) => ({ path, why })) };
};

/** @throws AirlockError CONFIG_INVALID where a file could not be written; all else of the restore is done then */
export const requireWritten = ({ failed }: RestoredFiles): void => {
  if (failed.length === 0) return;
  const [first] = failed;
  throw new AirlockError(
    'CONFIG_INVALID',
    `the backup was taken and what it denied is denied, but not all files could be put back: ${failed.map(({ path, why }) => `${path} ${why}`).join('; ')}`,
    {
      field: first?.path ?? '',
      expected: 'a place for the file of the backup',
      found: first?.why ?? '',
      hint: `move it away (sudo mv '${first?.path ?? ''}' /root/), then restore again with --force`,
    },
  );
};
