/** The file system as the log uses it: every call that can fail stands here, so that a test can make it fail. */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

export interface FileStat {
  readonly uid: number;
  /** Permission bits and file type, as in stat(2). */
  readonly mode: number;
  readonly size: number;
  readonly nlink: number;
}

export interface LogFs {
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  stat(fd: number): FileStat;
  read(fd: number, into: Uint8Array, length: number, position: number): number;
  /** Appends where position is null. May write less than asked for, without an error. @returns bytes written. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
  datasyncSync(fd: number): void;
  datasync(fd: number, done: (error: Error | null) => void): void;
  /** For a directory: makes its names durable. */
  syncSync(fd: number): void;
  truncate(fd: number, length: number): void;
  unlink(path: string): void;
  mkdir(path: string, mode: number): void;
  list(dir: string): string[];
  /** A small file of /proc as text; throws where there is none. */
  procText(path: string): string;
  freeBytes(dir: string): number;
}

/** Opens what exists, never through a symlink (AUDIT-12). */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;
export const READ_WRITE_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW;
export const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
/** Makes what must not exist yet. */
export const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export const nodeFs: LogFs = {
  open: (path, flags, mode) => openSync(path, flags, mode),
  close: (fd) => closeSync(fd),
  stat: (fd) => fstatSync(fd),
  read: (fd, into, length, position) => readSync(fd, into, 0, length, position),
  write: (fd, bytes, offset, length, position) => writeSync(fd, bytes, offset, length, position),
  datasyncSync: (fd) => fdatasyncSync(fd),
  datasync: (fd, done) => fdatasync(fd, done),
  syncSync: (fd) => fsyncSync(fd),
  truncate: (fd, length) => ftruncateSync(fd, length),
  unlink: (path) => unlinkSync(path),
  mkdir: (path, mode) => mkdirSync(path, { mode }),
  list: (dir) => readdirSync(dir),
  procText: (path) => readFileSync(path, 'latin1'),
  freeBytes: (dir) => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  },
};
