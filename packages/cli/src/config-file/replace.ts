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
  fstatSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf, explained, readConfigFile, refuseFile, type ConfigFile } from './read.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
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

const isRoot = (): boolean => process.geteuid?.() === 0;

/** Whose a file is that root writes: that of what it replaces, else of the directory, so that the client can read it. */
const ownerOf = (path: string, like: Stats | null): { readonly uid: number; readonly gid: number } =>
  like ?? statSync(dirname(path));

/** Written whole and synced under a name of its own, with the mode and, where that may be, the owner of what it replaces. */
const writeDraft = (path: string, text: string, like: Stats | null): string => {
  const draft = `${path}${DRAFT}${randomBytes(6).toString('hex')}`;
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, NEW_FILE);
  try {
    const { uid, gid } = ownerOf(path, like);
    if (isRoot()) fchownSync(fd, uid, gid);
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

/** What took the file's name; open, so that one sees what is written into it after it lost the name. */
const openBefore = (path: string): number | null => {
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
};

const textOf = (fd: number | null): string | null => {
  if (fd === null) return null;
  const bytes = Buffer.alloc(fstatSync(fd).size);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
};

const put = (path: string, text: string, like: Stats | null): void => renameSync(writeDraft(path, text, like), path);

const makeDirectories = (path: string): void => {
  if (existsSync(path)) return;
  makeDirectories(dirname(path));
  mkdirSync(path, { mode: NEW_DIRECTORY });
  const { uid, gid } = statSync(dirname(path));
  if (isRoot()) lchownSync(path, uid, gid);
};

/** Makes the directory where it is missing, as a client would; as root for the owner of the one it is in. */
export const ensureDirectory = (path: string): void => explained(dirname(path), () => makeDirectories(dirname(path)));

const backUp = ({ path, text, stat }: ConfigFile): void => {
  if (existsSync(backupOf(path)) && readBackup(path) === null)
    throw refuseFile(backupOf(path), 'is no file that a backup could replace', 'look who put it there, then remove it');
  if (text !== null) put(backupOf(path), text, stat);
};

/** The last comparison and the replacement, as close together as they get. @returns false where another wrote in between */
const swap = ({ path, text: before, stat }: ConfigFile, draft: string | null): boolean => {
  const fd = openBefore(path);
  try {
    if (textOf(fd) !== before) {
      if (draft !== null) unlinkSync(draft);
      return false;
    }
    if (draft === null) unlinkSync(path);
    else renameSync(draft, path);
    const after = textOf(fd);
    if (after === before || after === null) return true;
    // Written into the old file after it was compared: what is in it goes back to its place, and is read again.
    put(path, after, stat);
    return false;
  } finally {
    if (fd !== null) closeSync(fd);
  }
};

/**
 * Puts `text` in the place of what was read; null removes the file. Under the lock of the file.
 * @returns false where the file is not as it was read (CLIENTS-7): read again
 */
export const replaceConfigFile = (file: ConfigFile, text: string | null): boolean =>
  explained(file.path, () => {
    removeDrafts(file.path);
    backUp(file);
    const isDone = swap(file, text === null ? null : writeDraft(file.path, text, file.stat));
    syncDirectory(file.path);
    return isDone;
  });
