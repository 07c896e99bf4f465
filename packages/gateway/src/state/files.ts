/**
 * Files of the gateway's state: read through a checked descriptor, written so that a kill or a power cut leaves
 * either the old or the new one.
 *
 * STATE-1  never through a symlink; the last component is opened with O_NOFOLLOW.
 * STATE-2  owner and mode are checked on the open descriptor, never on the path.
 * STATE-3  a new content becomes visible by rename, after its fsync and before the directory's.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Write permission of group or others: somebody else may have put the content there. */
const FOREIGN_WRITE = 0o022;
/** Secrets of the vault are ciphertext, yet nobody else has to read them. */
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

const refuse = (path: string, why: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `${path} ${why}`, {
    hint: `as root, look at ${path}; it must belong to airlock-gateway alone`,
  });

const isMissing = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === 'ENOENT';

/** Whatever node:fs throws has one. */
export const codeOf = (thrown: unknown): string => String((thrown as NodeJS.ErrnoException).code);

const refusedOpen = (path: string, thrown: unknown): AirlockError =>
  refuse(path, codeOf(thrown) === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${codeOf(thrown)})`);

const openDirectory = (path: string): number => {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (thrown) {
    throw refusedOpen(path, thrown);
  }
};

const openFile = (path: string): number | null => {
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw refusedOpen(path, thrown);
  }
};

/** STATE-2. @throws AirlockError VAULT_UNREADABLE where owner or mode are not ours. */
const checkOwner = (path: string, { uid, mode }: Stats): void => {
  if (uid !== process.getuid?.()) throw refuse(path, `belongs to user ${uid}`);
  if ((mode & FOREIGN_WRITE) !== 0) throw refuse(path, 'can be written by others');
};

/** @throws AirlockError VAULT_UNREADABLE for what is no file of ours. */
const checkFile = (path: string, stat: Stats, maxBytes: number): void => {
  if (!stat.isFile()) throw refuse(path, 'is no regular file');
  checkOwner(path, stat);
  if (stat.nlink !== 1) throw refuse(path, 'has a second name');
  if (stat.size > maxBytes) throw refuse(path, 'is larger than any file of ours');
};

const syncDirectory = (path: string): void => {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** Makes the directory (0700) if missing, durably. @throws AirlockError VAULT_UNREADABLE for one that is not ours. */
export const ensureDirectory = (path: string): void => {
  try {
    mkdirSync(path, { mode: PRIVATE_DIRECTORY });
    // What is synced in it later would be lost with its name.
    syncDirectory(dirname(path));
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw refuse(path, `cannot be made (${codeOf(thrown)})`);
  }
  const fd = openDirectory(path);
  try {
    checkOwner(path, fstatSync(fd));
  } finally {
    closeSync(fd);
  }
};

/** @returns the text, or null where there is no such file. @throws AirlockError VAULT_UNREADABLE. */
export const readPrivateFile = (path: string, maxBytes: number = GATEWAY_LIMITS.maxStateFileBytes): string | null => {
  const fd = openFile(path);
  if (fd === null) return null;
  try {
    checkFile(path, fstatSync(fd), maxBytes);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
};

/** One that was listed. @throws AirlockError VAULT_UNREADABLE, also where it is not there any more. */
export const readListedFile = (path: string, maxBytes?: number): string => {
  const text = readPrivateFile(path, maxBytes);
  if (text === null) throw refuse(path, 'vanished');
  return text;
};

/** Names in a directory, sorted; none where it does not exist. */
export const listDirectory = (path: string): string[] => {
  try {
    return readdirSync(path).sort();
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw refuse(path, `cannot be listed (${codeOf(thrown)})`);
  }
};

/** A short count is no error of write(2), so the rest is asked for until none is left. */
export const writeWhole = (fd: number, text: string): void => {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
};

/** A full or failing disk is the operator's to mend, and no defect of ours. The path is nobody's business who sees this. */
const notWritten = (thrown: unknown): AirlockError =>
  new AirlockError('UNAVAILABLE', `airlock-gateway cannot write its state (${codeOf(thrown)})`, {
    hint: 'make room for /var/lib/airlock-gateway (df -h), then do it again; what was there stands',
  });

const writeTemporary = (temporary: string, text: string): void => {
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_FILE);
  try {
    writeWhole(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** Durable on return (STATE-3). @throws AirlockError UNAVAILABLE; the old content stands then. */
export const writeDurable = (path: string, text: string): void => {
  const temporary = `${path}.tmp`;
  try {
    removeFile(temporary);
    writeTemporary(temporary, text);
    renameDurable(temporary, path);
  } catch (thrown) {
    throw notWritten(thrown);
  }
};

/** Durable on return. */
export const renameDurable = (from: string, to: string): void => {
  renameSync(from, to);
  syncDirectory(dirname(to));
};

/** Gone on return, if it was there; not durable by itself. */
export const removeFile = (path: string): void => {
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
};

/** Durable on return. */
export const removeDurable = (path: string): void => {
  removeFile(path);
  syncDirectory(dirname(path));
};
