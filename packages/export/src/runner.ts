/**
 * Tells one sink everything, from where it was left: slow or dead receivers cost nobody anything but time.
 *
 * SINK-1  at least once, in order: a position counts only when what stands before it was received.
 * SINK-4  one batch is held, whatever waits; after a failure the wait doubles up to a minute.
 */
import type { Timers } from '@airlock/protocol';
import { decideBackoffMs } from './backoff.js';
import { EXPORT_LIMITS } from './limits.js';
import type { Position } from './position.js';
import { NotDelivered, type Sink } from './sink.js';
import type { Batch } from './source.js';

export interface RunnerOptions {
  readonly name: string;
  readonly source: { next(position: Position): Promise<Batch | null>; close(): void };
  readonly sink: Sink;
  readonly read: () => Position;
  readonly write: (position: Position) => void;
  readonly timers: Timers;
  readonly random: () => number;
  readonly report: (message: string) => void;
}

interface Sent {
  readonly position: Position;
  readonly atMs: number;
}

export class Runner {
  readonly #options: RunnerOptions;
  /** Received, and on disk. */
  #confirmed: Position;
  /** Handed over last. */
  #sent: Position;
  /** What a stream has taken and may still lose. */
  #unsettled: Sent[] = [];
  #failures = 0;
  #isStopped = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#confirmed = this.#sent = options.read();
  }

  /** Until `stop`. Never rejects. */
  async run(): Promise<void> {
    while (!this.#isStopped) await this.#pause(await this.step());
  }

  /** One batch, or why there is none. @returns how long to wait before the next */
  async step(): Promise<number> {
    try {
      this.#settle();
      const batch = await this.#options.source.next(this.#sent);
      if (batch === null) return EXPORT_LIMITS.pollMs;
      const { traces } = this.#sent;
      const after = batch.records.length === 0 ? traces : await this.#options.sink.deliver(batch.records, traces);
      this.#handedOver({ ...batch.next, traces: after });
      if (this.#failures > 0) this.#options.report(`${this.#options.name}: delivers again`);
      this.#failures = 0;
      return 0;
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.source.close();
    this.#options.sink.close();
  }

  #handedOver(position: Position): void {
    this.#sent = position;
    if (this.#options.sink.settleMs === 0) return this.#confirm(position);
    this.#unsettled.push({ position, atMs: this.#options.timers.nowMs() });
  }

  /** @throws NotDelivered where the stream broke: what it may have lost is told again */
  #settle(): void {
    const { sink, timers } = this.#options;
    if (sink.isBroken()) {
      if (this.#unsettled.length > 0) throw new NotDelivered('the connection ended');
      return;
    }
    const due = this.#unsettled.filter(({ atMs }) => timers.nowMs() - atMs >= sink.settleMs);
    const last = due.at(-1);
    if (last === undefined) return;
    this.#unsettled = this.#unsettled.slice(due.length);
    this.#confirm(last.position);
  }

  #confirm(position: Position): void {
    this.#options.write(position);
    this.#confirmed = position;
  }

  #failed(thrown: unknown): number {
    this.#failures += 1;
    this.#unsettled = [];
    this.#sent = this.#confirmed;
    const why = thrown instanceof Error ? thrown.message : 'unknown';
    if (this.#failures === 1) this.#options.report(`${this.#options.name}: waits, nothing is lost: ${why}`);
    const retryAfterMs = thrown instanceof NotDelivered ? thrown.retryAfterMs : null;
    return decideBackoffMs(this.#failures, retryAfterMs, this.#options.random());
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.timers.after(ms, resolve));
  }
}
