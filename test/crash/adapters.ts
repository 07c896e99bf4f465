/** The model file system as the packages want it, a clock moved by hand, and timers that never fire. */
import type { LogFs } from '@airlock/audit';
import type { Clock, Timers } from '@airlock/protocol';
import type { StateFs } from '../../packages/totp/src/state/state-fs.js';
import { failure, type Disk, type ModelFs } from './model-fs.js';

export const START_MS = Date.UTC(2026, 10, 20, 12);
const ROOMY = 2 ** 40;

export const logFs = (fs: ModelFs): LogFs => ({
  open: (path, flags, mode) => fs.open(path, flags, mode),
  close: (fd) => fs.close(fd),
  stat: (fd) => fs.stat(fd),
  read: (fd, into, length, position) => fs.read(fd, into, 0, length, position),
  write: (fd, bytes, offset, length, position) => fs.write(fd, bytes, offset, length, position),
  datasyncSync: (fd) => fs.datasync(fd),
  datasync: (fd, done) => {
    let failed: Error | null = null;
    try {
      fs.datasync(fd);
    } catch (thrown) {
      failed = thrown instanceof Error ? thrown : failure('EIO');
    }
    setImmediate(() => done(failed));
  },
  syncSync: (fd) => fs.sync(fd),
  truncate: (fd, length) => fs.truncate(fd, length),
  unlink: (path) => fs.unlink(path),
  mkdir: (path, mode) => void fs.mkdir(path, mode),
  list: (dir) => fs.list(dir),
  procText: () => {
    throw failure('ENOENT');
  },
  freeBytes: () => ROOMY,
});

export const stateFs = (fs: ModelFs): StateFs => ({
  open: (path, flags, mode) => fs.open(path, flags, mode),
  close: (fd) => fs.close(fd),
  stat: (fd) => fs.stat(fd),
  read: (fd, into, offset) => fs.read(fd, into, offset, into.length - offset, offset),
  write: (fd, bytes, offset) => fs.write(fd, bytes, offset, bytes.length - offset, null),
  datasync: (fd) => fs.datasync(fd),
  sync: (fd) => fs.sync(fd),
  rename: (from, to) => fs.rename(from, to),
  unlink: (path) => fs.unlink(path),
  mkdir: (path, mode) => fs.mkdir(path, mode, true),
});

/** Never: what has to be durable is asked for. */
export const TIMERS: Timers = { after: () => ({ cancel: () => undefined }), nowMs: () => 0 };

/** The segments of a log, one after the other. */
export const recordsOn = (disk: Disk, dir: string): string =>
  [...disk]
    .filter(([path]) => path.startsWith(`${dir}/`) && path.endsWith('.jsonl'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, content]) => content?.toString('latin1') ?? '')
    .join('');

export class HandClock implements Clock {
  now = START_MS;
  readonly wallMs = (): number => this.now;
  readonly bootMs = (): number => 1000;
}
