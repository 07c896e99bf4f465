/**
 * The one writer of a log: no record, no action.
 *
 * AUDIT-15 A write that fails, or goes no further, seals; every later append is refused.
 * AUDIT-16 A failed sync is final: nothing is written after it, and nobody is told that a record is durable.
 * AUDIT-17 When space runs out the reserve is released, the record at hand completed, `sealed` recorded, and the log sealed.
 * AUDIT-18 A log that cannot be opened is returned sealed and says why; opening does not throw.
 */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { Chain, lineDigestLatin1 } from './chain.js';
import { DigestWindow, digestsFromDisk } from './digest-window.js';
import { GROUP_COMMIT_MS, MIN_FREE_BYTES, RESERVE_BYTES } from './limits.js';
import { takeLock } from './lock-file.js';
import { nodeFs, type LogFs } from './log-fs.js';
import { encodeRecord, recordTime } from './record.js';
import { recover } from './recover.js';
import { freeSpace, holdReserve } from './reserve-file.js';
import { isNoSpace, reasonOf, sealedBecause } from './sealing.js';
import { Segment } from './segment.js';
import { segmentOf } from './segment-name.js';
import { openDirectory } from './trusted-files.js';
import type { AuditLog, Fields, Head, LogOptions } from './types.js';
import { Waiters } from './waiters.js';

class Log implements AuditLog {
  readonly #fs: LogFs;
  readonly #options: LogOptions;
  #sealed: AirlockError | null = null;
  #opened = false;
  #chain = new Chain();
  #digests = new DigestWindow(0);
  #segment: Segment | null = null;
  #dirFd: number | null = null;
  #durable: Head = this.#chain.head();
  /** Encoded lines that are not written yet: durable appends of one turn share one write. */
  #pending: Buffer[] = [];
  readonly #waiters = new Waiters();
  #syncing = false;
  #drainQueued = false;
  #cancelTimer: (() => void) | null = null;
  #releaseReserve: () => void = () => undefined;
  #releaseLock: (() => void) | null = null;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#fs = options.fs ?? nodeFs;
    try {
      this.#open();
    } catch (thrown) {
      this.#seal(reasonOf(thrown), thrown);
      this.#giveBack();
    }
    this.#opened = true;
  }

  get sealed(): AirlockError | null {
    return this.#sealed;
  }

  head(): Head {
    // What failed has a place in the chain in memory, but none in the file.
    return this.#sealed === null ? this.#chain.head() : this.#durable;
  }

  durableHead(): Head {
    return this.#durable;
  }

  append(event: string, fields: Fields = {}): number {
    const seq = this.#enqueue(event, fields);
    this.#writePending();
    this.#armTimer();
    return seq;
  }

  appendDurableSync(event: string, fields: Fields = {}): number {
    const seq = this.#enqueue(event, fields);
    this.#writePending();
    this.#syncNow();
    return seq;
  }

  async appendDurable(event: string, fields: Fields = {}): Promise<number> {
    const seq = this.#enqueue(event, fields);
    this.#queueDrain();
    return this.#waiters.until(seq);
  }

  async flush(): Promise<void> {
    if (this.#sealed !== null) throw this.#sealed;
    if (this.#durable.size === this.#chain.size) return;
    this.#queueDrain();
    await this.#waiters.until(this.#chain.size);
  }

  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#sealed ??= sealedBecause('it is closed');
    this.#waiters.fail(this.#sealed);
    this.#giveBack();
  }

  digestsSince(size: number, max = Infinity): Buffer[] {
    if (size < 0 || size > this.#chain.size) throw sealedBecause(`it has ${this.#chain.size} records, not ${size}`);
    this.#writePending();
    try {
      return this.#digests.since(size, max) ?? digestsFromDisk(this.#fs, this.#options.dir, size, max);
    } catch (thrown) {
      throw sealedBecause(reasonOf(thrown));
    }
  }

  freeBytes(): number {
    return freeSpace(this.#fs, this.#options.dir);
  }

  hasRoom(): boolean {
    return this.#sealed === null && this.freeBytes() >= (this.#options.minFreeBytes ?? MIN_FREE_BYTES);
  }

  #open(): void {
    const { dir, origin, durableHead, bootId, reserveBytes } = this.#options;
    this.#dirFd = openDirectory(this.#fs, dir);
    this.#releaseLock = takeLock(this.#fs, dir, bootId);
    this.#releaseReserve = holdReserve(this.#fs, dir, reserveBytes ?? RESERVE_BYTES);
    const digests: { window?: DigestWindow } = {};
    const onDigest = (size: number, digest: string): void => (digests.window ??= new DigestWindow(size - 1)).push(digest);
    const { chain, segment } = recover({
      fs: this.#fs,
      dir,
      origin,
      durableHead,
      ts: recordTime(this.#options.clock.wallMs()),
      onDigest,
    });
    this.#chain = chain;
    this.#digests = digests.window ?? new DigestWindow(chain.size);
    if (segment !== null) this.#segment = new Segment(this.#fs, dir, segment.name, segment.size);
    this.#segment?.checkOwn();
    this.#segment?.syncNow();
    this.#fs.syncSync(this.#dirFd);
    this.#durable = chain.head();
  }

  /** Gives the record its place in the chain. Nothing is written yet. */
  #enqueue(event: string, fields: Fields): number {
    if (this.#sealed !== null) throw this.#sealed;
    const ts = recordTime(this.#options.clock.wallMs());
    const line = encodeRecord({ seq: this.#chain.size + 1, ts, prev: this.#chain.hash }, event, fields);
    this.#turnPage(segmentOf(ts));
    const digest = lineDigestLatin1(line.subarray(0, -1));
    this.#pending.push(line);
    this.#chain.extend(digest);
    this.#digests.push(digest);
    return this.#chain.size;
  }

  /** AUDIT-3: a new day's segment starts once the old one is durable; a clock set back goes on in the newest. */
  #turnPage(name: string): void {
    if (this.#segment !== null && name <= this.#segment.name) return;
    this.#writePending();
    try {
      this.#segment?.syncNow();
      const next = new Segment(this.#fs, this.#options.dir, name, null);
      this.#segment?.retire();
      this.#segment = next;
      if (this.#dirFd !== null) this.#fs.syncSync(this.#dirFd);
    } catch (thrown) {
      throw this.#seal(`a new segment: ${reasonOf(thrown)}`, thrown);
    }
  }

  /** Everything enqueued is in the file when this returns. */
  #writePending(): void {
    if (this.#sealed !== null) throw this.#sealed;
    if (this.#pending.length === 0 || this.#segment === null) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    const written = { at: 0 };
    try {
      this.#segment.checkOwn();
      this.#segment.append(bytes, 0, (at) => (written.at = at));
    } catch (thrown) {
      if (!isNoSpace(thrown)) throw this.#seal(`writing: ${reasonOf(thrown)}`, thrown);
      this.#lastRecords(this.#segment, bytes, written.at);
    }
  }

  /** AUDIT-17. What is at hand becomes durable, so its caller may go on; whoever comes next is refused. */
  #lastRecords(segment: Segment, bytes: Buffer, at: number): void {
    try {
      this.#releaseReserve();
      segment.append(bytes, at, () => undefined);
      const place = { seq: this.#chain.size + 1, ts: recordTime(this.#options.clock.wallMs()), prev: this.#chain.hash };
      const line = encodeRecord(place, 'sealed', { reason: 'no space' });
      segment.append(line, 0, () => undefined);
      segment.syncNow();
      const digest = lineDigestLatin1(line.subarray(0, -1));
      this.#chain.extend(digest);
      this.#digests.push(digest);
    } catch (thrown) {
      throw this.#seal(`writing: ${reasonOf(thrown)}`, thrown);
    }
    this.#becomeDurable(this.#chain.head());
    this.#seal('no space left', null);
  }

  #syncNow(): void {
    // Sealed by #lastRecords, which has synced already.
    if (this.#durable.size >= this.#chain.size) return;
    const head = this.#chain.head();
    try {
      this.#segment?.syncNow();
    } catch (thrown) {
      throw this.#seal(`syncing: ${reasonOf(thrown)}`, thrown);
    }
    this.#becomeDurable(head);
  }

  /** At the end of this turn, so that all durable appends of the turn share a write and a sync. */
  #queueDrain(): void {
    if (this.#drainQueued || this.#syncing) return;
    this.#drainQueued = true;
    setImmediate(() => {
      this.#drainQueued = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#syncing || this.#sealed !== null || this.#segment === null) return;
    try {
      this.#writePending();
    } catch {
      return; // Sealed; the waiters were told.
    }
    const head = this.#chain.head();
    if (head.size === this.#durable.size) return this.#becomeDurable(head);
    this.#syncing = true;
    this.#segment.sync((error) => {
      this.#syncing = false;
      if (error !== null) this.#seal(`syncing: ${reasonOf(error)}`, error);
      if (this.#sealed !== null) return;
      this.#becomeDurable(head);
      if (!this.#waiters.isEmpty) this.#queueDrain();
      else if (this.#durable.size < this.#chain.size) this.#armTimer();
    });
  }

  #becomeDurable(head: Head): void {
    if (head.size > this.#durable.size) this.#durable = head;
    if (this.#durable.size === this.#chain.size) this.#disarmTimer();
    this.#waiters.durable(this.#durable.size);
  }

  #armTimer(): void {
    if (this.#cancelTimer !== null || this.#sealed !== null) return;
    const timer = (this.#options.timers ?? systemTimers).after(this.#options.groupCommitMs ?? GROUP_COMMIT_MS, () => {
      this.#cancelTimer = null;
      this.#drain();
    });
    this.#cancelTimer = () => timer.cancel();
  }

  #disarmTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** The first reason stays. @returns the error to throw. */
  #seal(reason: string, thrown: unknown): AirlockError {
    if (this.#sealed !== null) return this.#sealed;
    const error = (this.#sealed = thrown instanceof AirlockError ? thrown : sealedBecause(reason));
    this.#disarmTimer();
    this.#waiters.fail(error);
    if (this.#opened) this.#options.onSealed?.(error);
    return error;
  }

  #giveBack(): void {
    this.#disarmTimer();
    try {
      this.#segment?.retire();
      if (this.#dirFd !== null) this.#fs.close(this.#dirFd);
      this.#releaseLock?.();
    } catch {
      // A lock that cannot be removed is stale once this process ends; a log that is closed has nothing more to say.
    }
    this.#segment = null;
    this.#releaseLock = null;
    this.#dirFd = null;
  }
}

/**
 * Opens a log for its one writer; verifies it from the last durable head on.
 * Does not throw: what cannot be opened is `sealed`, with the file and line in its message (AUDIT-18).
 */
export const openLog = (options: LogOptions): AuditLog => new Log(options);
