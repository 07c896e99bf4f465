/**
 * A directory of state files, each written whole or not at all.
 *
 * STATE-1  no symbolic link is followed; owner, mode, type and link count are checked on the open descriptor.
 * STATE-2  a file is replaced by temp file (O_EXCL), fdatasync, rename, fsync of the directory; on return it is durable.
 * STATE-3  a file that cannot be trusted or read is VAULT_UNREADABLE with its name; it is never replaced by an empty one.
 * STATE-4  a write that failed leaves the file as it was, and is an error to the caller.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import { CREATE_FLAGS, DIRECTORY_FLAGS, READ_FLAGS, nodeStateFs, type StateFs, type StateStat } from './state-fs.js';

const TEMPORARY_BYTES = 8;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** Group or others may write. */
const FOREIGN_WRITE = 0o022;
/** Far above the largest state of one operator. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

const unreadable = (path: string, problem: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `${path}: ${problem}`, {
    hint: `repair or restore ${path}, then restart airlock-totp; nothing was changed in it`,
  });

const codeOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException | null)?.code ?? 'unknown error';

export interface DirectoryOptions {
  readonly path: string;
  readonly fs?: StateFs;
  /** Uid the files must belong to; this process's where not given. */
  readonly uid?: number;
}

export class StateDirectory {
  readonly path: string;
  readonly #fs: StateFs;
  readonly #uid: number;

  /** Makes the directory where it is missing. @throws AirlockError VAULT_UNREADABLE */
  constructor({ path, fs = nodeStateFs, uid = Number(process.getuid?.()) }: DirectoryOptions) {
    this.path = path;
    this.#fs = fs;
    this.#uid = uid;
    const fd = this.#openDirectory();
    try {
      this.#check(path, fs.stat(fd), constants.S_IFDIR);
    } finally {
      fs.close(fd);
    }
  }

  #openDirectory(): number {
    try {
      // What is synced in a new directory would be lost with its name.
      if (this.#fs.mkdir(this.path, DIRECTORY_MODE)) this.#syncDirectory(dirname(this.path));
      return this.#fs.open(this.path, DIRECTORY_FLAGS, 0);
    } catch (thrown) {
      throw unreadable(this.path, `cannot be opened as a directory (${codeOf(thrown)})`);
    }
  }

  #check(path: string, stat: StateStat, type: number): void {
    if ((stat.mode & constants.S_IFMT) !== type) throw unreadable(path, 'is of another type');
    if (stat.uid !== this.#uid) throw unreadable(path, `belongs to uid ${stat.uid}, expected ${this.#uid}`);
    if ((stat.mode & FOREIGN_WRITE) !== 0)
      throw unreadable(path, `can be written by others (mode ${(stat.mode & 0o777).toString(8)})`);
    if (type === constants.S_IFREG && stat.nlink !== 1) throw unreadable(path, 'has more than one name');
    if (type === constants.S_IFREG && stat.size > MAX_FILE_BYTES) throw unreadable(path, 'is too large');
  }

  /** @returns the bytes, or null where there is no such file. @throws AirlockError VAULT_UNREADABLE */
  read(name: string): Buffer | null {
    const path = `${this.path}/${name}`;
    let fd: number;
    try {
      fd = this.#fs.open(path, READ_FLAGS, 0);
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return null;
      throw unreadable(path, `cannot be opened (${codeOf(thrown)})`);
    }
    try {
      const stat = this.#fs.stat(fd);
      this.#check(path, stat, constants.S_IFREG);
      return this.#readAll(path, fd, stat.size);
    } finally {
      this.#fs.close(fd);
    }
  }

  #readAll(path: string, fd: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    let at = 0;
    while (at < size) {
      const count = this.#fs.read(fd, bytes, at);
      if (count === 0) throw unreadable(path, 'ended early');
      at += count;
    }
    return bytes;
  }

  /** Durable on return. @throws AirlockError VAULT_UNREADABLE; then the file is as it was, or as it should be. */
  write(name: string, bytes: Uint8Array): void {
    const path = `${this.path}/${name}`;
    // Never one that an earlier process left behind, whatever its number and its clock were.
    const temporary = `${path}.${process.pid}-${randomBytes(TEMPORARY_BYTES).toString('hex')}.tmp`;
    try {
      this.#writeTemporary(temporary, bytes);
      this.#fs.rename(temporary, path);
      this.#syncDirectory();
    } catch (thrown) {
      this.#discard(temporary);
      throw unreadable(path, `cannot be written (${codeOf(thrown)})`);
    }
  }

  /** Gone, durably, on return; one that is not there is no error. @throws AirlockError VAULT_UNREADABLE */
  remove(name: string): void {
    const path = `${this.path}/${name}`;
    try {
      this.#fs.unlink(path);
      this.#syncDirectory();
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOENT') throw unreadable(path, `cannot be removed (${codeOf(thrown)})`);
    }
  }

  #writeTemporary(temporary: string, bytes: Uint8Array): void {
    const fd = this.#fs.open(temporary, CREATE_FLAGS, FILE_MODE);
    try {
      let at = 0;
      while (at < bytes.length) {
        const count = this.#fs.write(fd, bytes, at);
        if (count <= 0) throw new Error('short write');
        at += count;
      }
      this.#fs.datasync(fd);
    } finally {
      this.#fs.close(fd);
    }
  }

  #syncDirectory(path = this.path): void {
    const fd = this.#fs.open(path, DIRECTORY_FLAGS, 0);
    try {
      this.#fs.sync(fd);
    } finally {
      this.#fs.close(fd);
    }
  }

  #discard(temporary: string): void {
    try {
      this.#fs.unlink(temporary);
    } catch {
      // Not made, renamed already, or the disk is gone: the next start does not read it.
    }
  }
}

/** VAULT_UNREADABLE for a file that was read and makes no sense. */
export const corrupted = (directory: StateDirectory, name: string, problem: string): AirlockError =>
  unreadable(`${directory.path}/${name}`, problem);
