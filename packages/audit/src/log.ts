/**
 * The one writer of a log: no record, no action.
 *
 * AUDIT-15 A write that fails, or goes no further, seals; every later append is refused.
 * AUDIT-16 A failed sync is final: nothing is written after it, and nobody is told that a record is durable.
 * AUDIT-17 When space runs out the reserve is released, the record at hand completed, `sealed` recorded, and the log sealed.
 * AUDIT-18 A log that cannot be opened is returned sealed and says why; opening does not throw.
 */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { CommitTimer } from './commit-timer.js';
import { digestsFromDisk } from './digest-window.js';
import { GROUP_COMMIT_MS, MIN_FREE_BYTES, RESERVE_BYTES } from './limits.js';
import { takeLock } from './lock-file.js';
import { nodeFs, type LogFs } from './log-fs.js';
import { recordTime } from './record.js';
import { newestNote } from './recover.js';
import { reopen } from './reopen.js';
import { freeSpace, holdReserve } from './reserve-file.js';
import { isNoSpace, reasonOf, sealedBecause } from './sealing.js';
import { Segment } from './segment.js';
import { segmentOf } from './segment-name.js';
import { Tail } from './tail.js';
import { openDirectory } from './trusted-files.js';
import type { AuditLog, Fields, GroupedRecord, Head, LogOptions } from './types.js';
import { Waiters } from './waiters.js';
import { WriteGroup } from './write-group.js';

class Log implements AuditLog {
  checkpoint: string | null = null;
  readonly #fs: LogFs;
  readonly #options: LogOptions;
  #sealed: AirlockError | null = null;
  #opened = false;
  #tail = new Tail();
  #segment: Segment | null = null;
  #dirFd: number | null = null;
  #durable: Head = this.#tail.head();
  /** Lines that are not written yet: durable and grouped appends of one turn share one write. */
  #pending: string[] = [];
  #group: WriteGroup | null = null;
  readonly #waiters = new Waiters();
  #syncing = false;
  #drainQueued = false;
  readonly #timer: CommitTimer;
  #releaseReserve: () => void = () => undefined;
  #releaseLock: (() => void) | null = null;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#fs = options.fs ?? nodeFs;
    this.#timer = new CommitTimer(options.timers ?? systemTimers, options.groupCommitMs ?? GROUP_COMMIT_MS, () => this.#drain());
    try {
      this.#open();
    } catch (thrown) {
      this.#seal(reasonOf(thrown), thrown);
      this.#giveBack();
      if (options.unopened === undefined) this.checkpoint = newestNote(this.#fs, options);
    }
    this.#opened = true;
  }

  get sealed(): AirlockError | null {
    return this.#sealed;
  }

  head(): Head {
    // What failed has a place in the chain in memory, but none in the file.
    return this.#sealed === null ? this.#tail.head() : this.#durable;
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

  appendGrouped(event: string, fields: Fields = {}): GroupedRecord {
    const seq = this.#enqueue(event, fields);
    this.#group ??= new WriteGroup(() => {
      this.#writePending();
      this.#armTimer();
    });
    return { seq, written: this.#group.written };
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
    if (this.#durable.size === this.#tail.size) return;
    this.#queueDrain();
    await this.#waiters.until(this.#tail.size);
  }

  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#sealed ??= sealedBecause('it is closed');
    this.#tellWaiting(this.#sealed);
    this.#giveBack();
  }

  digestsSince(size: number, max = Infinity): Buffer[] {
    if (size < 0 || size > this.#tail.size) throw sealedBecause(`it has ${this.#tail.size} records, not ${size}`);
    this.#writePending();
    try {
      return this.#tail.digestsSince(size, max) ?? digestsFromDisk(this.#fs, this.#options.dir, size, max);
    } catch (thrown) {
      throw thrown instanceof AirlockError ? thrown : sealedBecause(reasonOf(thrown));
    }
  }

  freeBytes(): number {
    return freeSpace(this.#fs, this.#options.dir);
  }

  hasRoom(): boolean {
    return this.#sealed === null && this.freeBytes() >= (this.#options.minFreeBytes ?? MIN_FREE_BYTES);
  }

  #open(): void {
    const { dir, bootId, reserveBytes, unopened } = this.#options;
    if (unopened !== undefined) throw unopened;
    this.#dirFd = openDirectory(this.#fs, dir);
    this.#releaseLock = takeLock(this.#fs, dir, bootId);
    this.#releaseReserve = holdReserve(this.#fs, dir, reserveBytes ?? RESERVE_BYTES);
    ({ tail: this.#tail, segment: this.#segment, checkpoint: this.checkpoint } = reopen(this.#fs, this.#options));
    this.#segment?.checkOwn();
    this.#segment?.syncNow();
    this.#fs.syncSync(this.#dirFd);
    this.#durable = this.#tail.head();
  }

  /** Gives the record its place in the chain. Nothing is written yet. */
  #enqueue(event: string, fields: Fields): number {
    if (this.#sealed !== null) throw this.#sealed;
    const ts = recordTime(this.#options.clock.wallMs());
    const line = this.#tail.encode(ts, event, fields);
    this.#turnPage(segmentOf(ts));
    this.#pending.push(line);
    this.#tail.link(line);
    return this.#tail.size;
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
    const bytes = Buffer.from(`${this.#pending.join('\n')}\n`);
    this.#pending = [];
    const written = { at: 0 };
    try {
      this.#segment.checkOwn();
      this.#segment.append(bytes, 0, (at) => (written.at = at));
    } catch (thrown) {
      if (!isNoSpace(thrown)) throw this.#seal(`writing: ${reasonOf(thrown)}`, thrown);
      this.#lastRecords(this.#segment, bytes, written.at);
    }
    this.#settleGroup(null);
  }

  #settleGroup(error: AirlockError | null): void {
    this.#group?.settle(error);
    this.#group = null;
  }

  #tellWaiting(error: AirlockError): void {
    this.#settleGroup(error);
    this.#waiters.fail(error);
  }

  /** AUDIT-17. What is at hand becomes durable, so its caller may go on; whoever comes next is refused. */
  #lastRecords(segment: Segment, bytes: Buffer, at: number): void {
    try {
      this.#releaseReserve();
      segment.append(bytes, at, () => undefined);
      const line = this.#tail.encode(recordTime(this.#options.clock.wallMs()), 'sealed', { reason: 'no space' });
      segment.append(Buffer.from(`${line}\n`), 0, () => undefined);
      segment.syncNow();
      this.#tail.link(line);
    } catch (thrown) {
      throw this.#seal(`writing: ${reasonOf(thrown)}`, thrown);
    }
    this.#settleGroup(null);
    this.#becomeDurable(this.#tail.head());
    this.#seal('no space left', null);
  }

  #syncNow(): void {
    // Sealed by #lastRecords, which has synced already.
    if (this.#durable.size >= this.#tail.size) return;
    const head = this.#tail.head();
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
    const head = this.#tail.head();
    if (head.size === this.#durable.size) return this.#becomeDurable(head);
    this.#syncing = true;
    this.#segment.sync((error) => {
      this.#syncing = false;
      if (error !== null) this.#seal(`syncing: ${reasonOf(error)}`, error);
      if (this.#sealed !== null) return;
      this.#becomeDurable(head);
      if (!this.#waiters.isEmpty) this.#queueDrain();
      else if (this.#durable.size < this.#tail.size) this.#armTimer();
    });
  }

  #becomeDurable(head: Head): void {
    if (head.size > this.#durable.size) this.#durable = head;
    if (this.#durable.size === this.#tail.size) this.#timer.disarm();
    this.#waiters.durable(this.#durable.size);
  }

  #armTimer(): void {
    if (this.#sealed === null && this.#durable.size < this.#tail.size) this.#timer.arm();
  }

  /** The first reason stays. @returns the error to throw. */
  #seal(reason: string, thrown: unknown): AirlockError {
    if (this.#sealed !== null) return this.#sealed;
    const error = (this.#sealed = thrown instanceof AirlockError ? thrown : sealedBecause(reason));
    this.#timer.disarm();
    this.#tellWaiting(error);
    if (this.#opened) this.#options.onSealed?.(error);
    return error;
  }

  #giveBack(): void {
    this.#timer.disarm();
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
