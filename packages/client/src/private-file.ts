/**
 * A file that is this user's alone: what a command leaves for the next one.
 *
 * STORE-1 directory 0700, files 0600, both ours: checked on the open descriptor, never on the path.
 * STORE-2 a symbolic link, a second hard link, or anything but a regular file is refused, not followed.
 * STORE-3 writing replaces the file in one step; a file somebody else put there is never written into.
 * STORE-4 what is refused is named with its remedy, and its content is in no message.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AirlockError } from '@airlock/protocol';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Longest lease text of the wire (methods/shapes.ts), with room for a line end. */
const MAX_BYTES = 8192 + 2;
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;
const OTHERS = 0o077;
const refuse = (path: string, problem: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${path}: ${problem}`, { hint: `look who put it there, then remove it: rm -r ${path}` });

const codeOf = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException | null)?.code;

/** In words, where the system refuses. */
const explain = (path: string, thrown: unknown): unknown => {
  const code = thrown instanceof AirlockError ? undefined : codeOf(thrown);
  if (code === 'ELOOP') return refuse(path, 'is a symbolic link');
  if (code === 'ENOTDIR') return refuse(path, 'is no directory, or a symbolic link');
  if (code === undefined) return thrown;
  return new AirlockError('CONFIG_INVALID', `${path}: cannot be used (${code})`, {
    hint: 'set XDG_RUNTIME_DIR to a directory of your own',
  });
};

/** STORE-1. */
const checkOwner = (fd: number, path: string, uid: number): void => {
  const { mode, uid: owner } = fstatSync(fd);
  if (owner !== uid) throw refuse(path, 'belongs to another user');
  if ((mode & OTHERS) !== 0) throw refuse(path, 'is open to other users');
};

const checkFile = (fd: number, path: string, uid: number): void => {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw refuse(path, 'is no regular file');
  if (stat.nlink !== 1) throw refuse(path, 'has a second name (hard link)');
  if (stat.size > MAX_BYTES) throw refuse(path, 'is longer than any lease');
  checkOwner(fd, path, uid);
};

const withFile = <T>(path: string, flags: number, use: (fd: number) => T): T => {
  const fd = openSync(path, flags | O_NOFOLLOW, PRIVATE_FILE);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};

const explained = <T>(path: string, work: () => T): T => {
  try {
    return work();
  } catch (thrown) {
    throw explain(path, thrown);
  }
};

/** True where the directory is there and ours. @throws AirlockError CONFIG_INVALID where it is not ours. */
const checkDirectory = (path: string, uid: number): boolean => {
  try {
    withFile(path, O_RDONLY | O_DIRECTORY, (fd) => checkOwner(fd, path, uid));
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw explain(path, thrown);
  }
};

const ensureDirectory = (path: string, uid: number): void => {
  explained(path, () => mkdirSync(path, { recursive: true, mode: PRIVATE_DIR }));
  checkDirectory(path, uid);
};

/** The text, trimmed; null where there is none. @throws AirlockError CONFIG_INVALID where directory or file are not ours alone. */
export const readPrivate = (path: string, uid: number): string | null => {
  if (!checkDirectory(dirname(path), uid)) return null;
  try {
    // O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer.
    const text = withFile(path, O_RDONLY | O_NONBLOCK, (fd) => {
      checkFile(fd, path, uid);
      return readFileSync(fd, 'utf8').trim();
    });
    return text === '' ? null : text;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw explain(path, thrown);
  }
};

/** Written whole or not at all, mode 0600, its directory made where it is missing. @throws AirlockError CONFIG_INVALID */
export const writePrivate = (path: string, text: string, uid: number): void => {
  ensureDirectory(dirname(path), uid);
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  explained(path, () => {
    withFile(draft, O_WRONLY | O_CREAT | O_EXCL, (fd) => writeFileSync(fd, `${text}\n`));
    renameSync(draft, path);
  });
};

/** Idempotent. @throws AirlockError CONFIG_INVALID */
export const removePrivate = (path: string, uid: number): void => {
  if (!checkDirectory(dirname(path), uid)) return;
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw explain(path, thrown);
  }
};
