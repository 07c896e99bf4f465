/** Space held back for the last records of a full disk (AUDIT-17). */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CREATE_FLAGS, READ_FLAGS, type LogFs } from './log-fs.js';
import { isNoSpace, reasonOf, sealedBecause } from './sealing.js';
import { openFile } from './trusted-files.js';

const NAME = '.reserve';

const sizeOf = (fs: LogFs, path: string): number => {
  try {
    const fd = openFile(fs, path, READ_FLAGS);
    const { size } = fs.stat(fd);
    fs.close(fd);
    return size;
  } catch {
    return -1;
  }
};

const removeIfThere = (fs: LogFs, path: string): void => {
  try {
    fs.unlink(path);
  } catch (thrown) {
    if (reasonOf(thrown) !== 'ENOENT') throw sealedBecause(`${path}: ${reasonOf(thrown)}`);
  }
};

/** Random bytes: a file of zeros may take no space on a file system that compresses. */
const fill = (fs: LogFs, path: string, bytes: number): void => {
  const fd = fs.open(path, CREATE_FLAGS, 0o600);
  try {
    const content = randomBytes(bytes);
    for (let at = 0; at < bytes;) {
      const wrote = fs.write(fd, content, at, bytes - at, null);
      if (wrote <= 0) throw sealedBecause('no space for the reserve');
      at += wrote;
    }
    fs.datasyncSync(fd);
  } finally {
    fs.close(fd);
  }
};

/** Makes sure that the reserve is there, whole. @returns the way to release it. @throws AUDIT_UNAVAILABLE. */
export const holdReserve = (fs: LogFs, dir: string, bytes: number): (() => void) => {
  const path = join(dir, NAME);
  if (bytes > 0 && sizeOf(fs, path) !== bytes) {
    removeIfThere(fs, path);
    try {
      fill(fs, path, bytes);
    } catch (thrown) {
      if (isNoSpace(thrown)) removeIfThere(fs, path);
      throw sealedBecause(`${path}: ${reasonOf(thrown)}`);
    }
  }
  return () => removeIfThere(fs, path);
};

/** Bytes this user may still write; 0 where that cannot be told, for not known is not enough. */
export const freeSpace = (fs: LogFs, dir: string): number => {
  try {
    return fs.freeBytes(dir);
  } catch {
    return 0;
  }
};
