/**
 * Opens the log's directory and files, and believes only the open descriptor.
 *
 * AUDIT-12 No symlink, no hard link, no foreign owner, nothing that group or others can write.
 */
import { dirname } from 'node:path';
import type { LogFs } from './log-fs.js';
import { DIRECTORY_FLAGS } from './log-fs.js';
import { reasonOf, sealedBecause } from './sealing.js';

const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const OTHERS_WRITE = 0o022;
const DIR_MODE = 0o700;

const checkOwner = (fs: LogFs, fd: number, path: string, type: number): void => {
  const { uid, mode, nlink } = fs.stat(fd);
  if ((mode & TYPE_MASK) !== type) throw sealedBecause(`${path} is not what it should be (mode ${mode.toString(8)})`);
  if (uid !== process.geteuid?.()) throw sealedBecause(`${path} belongs to uid ${uid}`);
  if ((mode & OTHERS_WRITE) !== 0) throw sealedBecause(`${path} can be written by others (mode ${(mode & 0o7777).toString(8)})`);
  if (type === REGULAR && nlink !== 1) throw sealedBecause(`${path} has ${nlink} names`);
};

const openChecked = (fs: LogFs, path: string, flags: number, type: number, mode?: number): number => {
  let fd: number;
  try {
    fd = fs.open(path, flags, mode);
  } catch (thrown) {
    throw sealedBecause(`${path}: ${reasonOf(thrown)}`);
  }
  try {
    checkOwner(fs, fd, path, type);
    return fd;
  } catch (thrown) {
    fs.close(fd);
    throw thrown;
  }
};

/** @returns a descriptor. @throws AUDIT_UNAVAILABLE. */
export const openFile = (fs: LogFs, path: string, flags: number): number => openChecked(fs, path, flags, REGULAR, 0o600);

/** A new directory is lost with everything in it unless the one above has its name durably. */
const syncAbove = (fs: LogFs, dir: string): void => {
  const fd = fs.open(dirname(dir), DIRECTORY_FLAGS);
  try {
    fs.syncSync(fd);
  } finally {
    fs.close(fd);
  }
};

/** Makes the directory where it is missing, durably. @returns a descriptor, for fsync. @throws AUDIT_UNAVAILABLE. */
export const openDirectory = (fs: LogFs, dir: string): number => {
  try {
    fs.mkdir(dir, DIR_MODE);
    syncAbove(fs, dir);
  } catch (thrown) {
    if (reasonOf(thrown) !== 'EEXIST') throw sealedBecause(`${dir}: ${reasonOf(thrown)}`);
  }
  return openChecked(fs, dir, DIRECTORY_FLAGS, DIRECTORY);
};
