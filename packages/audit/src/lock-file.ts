/**
 * One writer for a log: a lock file that names its process.
 *
 * AUDIT-13 A directory whose lock names a living process is refused. A lock is stale where its boot is another,
 * or no process of that pid started at that moment. Two openers that both remove a stale lock at once are told
 * apart by AUDIT-14, which every append checks.
 */
import { join } from 'node:path';
import { CREATE_FLAGS, READ_FLAGS, type LogFs } from './log-fs.js';
import { reasonOf, sealedBecause } from './sealing.js';
import { openFile } from './trusted-files.js';

const NAME = '.lock';
const MAX_LOCK_BYTES = 256;
/** proc(5): starttime is field 22; counted from behind the command's closing parenthesis it is number 20. */
const START_FIELD = 19;

/** When the process started; undefined where /proc does not say. */
const startOf = (fs: LogFs, pid: number): string | undefined => {
  try {
    const stat = fs.procText(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD];
  } catch {
    return undefined;
  }
};

const bootOf = (fs: LogFs, given: string | undefined): string => {
  try {
    return given ?? fs.procText('/proc/sys/kernel/random/boot_id').trim();
  } catch {
    // Hidden by ProcSubset=pid; then pid and start time decide alone.
    return '';
  }
};

const readLock = (fs: LogFs, path: string): string => {
  const fd = openFile(fs, path, READ_FLAGS);
  try {
    const bytes = Buffer.alloc(MAX_LOCK_BYTES);
    return bytes.toString('latin1', 0, fs.read(fd, bytes, bytes.length, 0));
  } finally {
    fs.close(fd);
  }
};

/** The living process that the lock names; null for a stale lock. */
const holderOf = (fs: LogFs, text: string, boot: string): string | null => {
  const [pid = '', start, lockBoot] = text.trimEnd().split(' ');
  // Torn while it was being written: its writer never came to open the log.
  if (!/^[0-9]+$/u.test(pid) || start === undefined || lockBoot === undefined) return null;
  return lockBoot === `boot=${boot}` && startOf(fs, Number(pid)) === start ? pid : null;
};

const create = (fs: LogFs, path: string, text: string): boolean => {
  let fd: number;
  try {
    fd = fs.open(path, CREATE_FLAGS, 0o600);
  } catch (thrown) {
    if (reasonOf(thrown) === 'EEXIST') return false;
    throw sealedBecause(`${path}: ${reasonOf(thrown)}`);
  }
  try {
    const bytes = Buffer.from(text);
    fs.write(fd, bytes, 0, bytes.length, null);
    return true;
  } finally {
    fs.close(fd);
  }
};

/** Takes the lock. @returns the way to give it back. @throws AUDIT_UNAVAILABLE where another writer lives. */
export const takeLock = (fs: LogFs, dir: string, bootId?: string): (() => void) => {
  const path = join(dir, NAME);
  const boot = bootOf(fs, bootId);
  const own = `${process.pid} ${startOf(fs, process.pid) ?? ''} boot=${boot}\n`;
  if (!create(fs, path, own)) {
    const holder = holderOf(fs, readLock(fs, path), boot);
    if (holder !== null) throw sealedBecause(`${dir} has another writer, process ${holder}`);
    fs.unlink(path);
    if (!create(fs, path, own)) throw sealedBecause(`${dir} has another writer`);
  }
  return () => fs.unlink(path);
};
