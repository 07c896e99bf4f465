/**
 * The open segment: appends whole lines and makes them durable.
 *
 * AUDIT-14 Before every write the file has exactly the size this writer left it with, and one name; else another hand wrote.
 * AUDIT-15 A short write goes on where it stopped; no progress is a failure.
 * AUDIT-16 The two kinds of sync have a descriptor each: Linux reports a write-back error once per open file, so on
 * a shared one the first to ask would take the error away from the other, which would then report success.
 */
import { join } from 'node:path';
import { APPEND_FLAGS, CREATE_FLAGS, type LogFs } from './log-fs.js';
import { sealedBecause } from './sealing.js';
import { openFile } from './trusted-files.js';

export class Segment {
  readonly name: string;
  size: number;
  readonly #fs: LogFs;
  readonly #fd: number;
  readonly #groupFd: number;
  #syncing = false;
  #retired = false;

  /** Opens the segment, or makes it where `size` is null. @throws AUDIT_UNAVAILABLE. */
  constructor(fs: LogFs, dir: string, name: string, size: number | null) {
    const path = join(dir, name);
    this.name = name;
    this.size = size ?? 0;
    this.#fs = fs;
    if (size === null) fs.close(openFile(fs, path, CREATE_FLAGS));
    this.#fd = openFile(fs, path, APPEND_FLAGS);
    try {
      this.#groupFd = openFile(fs, path, APPEND_FLAGS);
    } catch (thrown) {
      fs.close(this.#fd);
      throw thrown;
    }
  }

  /** @throws AUDIT_UNAVAILABLE where the file is not as this writer left it. */
  checkOwn(): void {
    const { size, nlink } = this.#fs.stat(this.#fd);
    if (nlink !== 1) throw sealedBecause(`${this.name} was removed or linked elsewhere`);
    if (size !== this.size) throw sealedBecause(`${this.name} has ${size} bytes, not ${this.size}: another hand wrote to it`);
  }

  /**
   * Appends what is left of `bytes` from `at`; `progress` learns how far it came even where it throws.
   * @throws what the write throws, or ENOSPC where it makes no progress.
   */
  append(bytes: Buffer, at: number, progress: (at: number) => void): void {
    for (let next = at; next < bytes.length;) {
      const wrote = this.#fs.write(this.#fd, bytes, next, bytes.length - next, null);
      if (wrote <= 0) throw Object.assign(new Error('no progress'), { code: 'ENOSPC' });
      next += wrote;
      this.size += wrote;
      progress(next);
    }
  }

  syncNow(): void {
    this.#fs.datasyncSync(this.#fd);
  }

  /** One at a time. `done` gets the failure, or null. */
  sync(done: (error: Error | null) => void): void {
    this.#syncing = true;
    this.#fs.datasync(this.#groupFd, (error) => {
      this.#syncing = false;
      if (this.#retired) this.#fs.close(this.#groupFd);
      done(error);
    });
  }

  /** Closes; a descriptor that is being synced right after. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#fs.close(this.#fd);
    if (!this.#syncing) this.#fs.close(this.#groupFd);
  }
}
