/** The file system as the state uses it: every call that can fail stands here, so that a test can make it fail. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

export interface StateStat {
  readonly uid: number;
  readonly mode: number;
  readonly size: number;
  readonly nlink: number;
}

export interface StateFs {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): void;
  stat(fd: number): StateStat;
  /** @returns bytes read; may be fewer than asked for. */
  read(fd: number, into: Uint8Array, offset: number): number;
  /** @returns bytes written; may be fewer than asked for, without an error, on a full disk. */
  write(fd: number, bytes: Uint8Array, offset: number): number;
  datasync(fd: number): void;
  /** For a directory: makes its names durable. */
  sync(fd: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** @returns whether it was made */
  mkdir(path: string, mode: number): boolean;
}

export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;
export const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export const nodeStateFs: StateFs = {
  open: (path, flags, mode) => openSync(path, flags, mode),
  close: (fd) => closeSync(fd),
  stat: (fd) => fstatSync(fd),
  read: (fd, into, offset) => readSync(fd, into, offset, into.length - offset, offset),
  write: (fd, bytes, offset) => writeSync(fd, bytes, offset, bytes.length - offset, null),
  datasync: (fd) => fdatasyncSync(fd),
  sync: (fd) => fsyncSync(fd),
  rename: (from, to) => renameSync(from, to),
  unlink: (path) => unlinkSync(path),
  mkdir: (path, mode) => mkdirSync(path, { mode, recursive: true }) !== undefined,
};
