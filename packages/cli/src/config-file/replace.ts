/**
 * Replaces a configuration file in one step, and keeps what it was.
 *
 * CLIENTS-6 the new text is written whole and synced beside the file before it takes its place; mode, and as root owner, stay.
 * CLIENTS-7 what changed between reading and replacing is never overwritten: the caller reads again.
 * CLIENTS-8 FILE.airlock-backup is what the file was before the last change.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { explained, readConfigFile, refuseFile, type ConfigFile } from './read.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const MODE_BITS = 0o7777;
/** It may hold tokens of other servers. */
const NEW_FILE = 0o600;
const NEW_DIRECTORY = 0o700;
const DRAFT = '.airlock-new-';

/** Name of the backup beside it. */
export const backupOf = (path: string): string => `${path}.airlock-backup`;

/** The text kept beside the file; null where there is none or it cannot be read. */
export const readBackup = (path: string): string | null => {
  try {
    return readConfigFile(backupOf(path)).text;
  } catch {
    return null;
  }
};

/** Written whole and synced under a name of its own, with the mode and, where that may be, the owner of what it replaces. */
const writeDraft = (path: string, text: string, like: Stats | null): string => {
  const draft = `${path}${DRAFT}${randomBytes(6).toString('hex')}`;
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, NEW_FILE);
  try {
    if (like && process.geteuid?.() === 0) fchownSync(fd, like.uid, like.gid);
    if (like) fchmodSync(fd, like.mode & MODE_BITS);
    writeFileSync(fd, text);
    fsyncSync(fd);
    return draft;
  } catch (thrown) {
    unlinkSync(draft);
    throw thrown;
  } finally {
    closeSync(fd);
  }
};

const syncDirectory = (path: string): void => {
  const fd = openSync(dirname(path), O_RDONLY | O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** Under the lock nobody writes a draft, so any that is there was left by a kill. */
const removeDrafts = (path: string): void => {
  const prefix = `${basename(path)}${DRAFT}`;
  const backup = `${basename(backupOf(path))}${DRAFT}`;
  for (const name of readdirSync(dirname(path)))
    if (name.startsWith(prefix) || name.startsWith(backup)) unlinkSync(join(dirname(path), name));
};

const isUnchanged = (path: string, text: string | null): boolean => readConfigFile(path).text === text;

const put = (path: string, text: string, like: Stats | null): void => renameSync(writeDraft(path, text, like), path);

/** Makes the directory where it is missing, as a client would. */
export const ensureDirectory = (path: string): void => {
  explained(dirname(path), () => mkdirSync(dirname(path), { recursive: true, mode: NEW_DIRECTORY }));
};

/**
 * Puts `text` in the place of what was read; null removes the file. Under the lock of the file.
 * @returns false where the file is not as it was read (CLIENTS-7): read again
 */
export const replaceConfigFile = ({ path, text: before, stat }: ConfigFile, text: string | null): boolean =>
  explained(path, () => {
    removeDrafts(path);
    if (existsSync(backupOf(path)) && readBackup(path) === null)
      throw refuseFile(backupOf(path), 'is no file that a backup could replace', 'look who put it there, then remove it');
    if (before !== null) put(backupOf(path), before, stat);
    const draft = text === null ? null : writeDraft(path, text, stat);
    if (!isUnchanged(path, before)) {
      if (draft !== null) unlinkSync(draft);
      return false;
    }
    if (draft === null) unlinkSync(path);
    else renameSync(draft, path);
    syncDirectory(path);
    return true;
  });
