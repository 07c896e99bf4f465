/** Watches the times of a connection: half a frame, and silence. Re-armed only when it fires, so a message costs no timer. */
import { AirlockError, FrameError, type TimerHandle, type Timers } from '@airlock/protocol';
import type { SocketLimits } from './limits.js';

export interface Watched {
  /** A request is in flight in either direction: silence is waiting, not idleness. */
  readonly isBusy: () => boolean;
  readonly onIdle: (error: AirlockError) => void;
  readonly onHalfFrame: (error: FrameError) => void;
}

export class Watch {
  readonly #timers: Timers;
  readonly #limits: SocketLimits;
  readonly #watched: Watched;
  #lastBytesMs: number;
  /** When the frame that is incomplete now began; null where none is. */
  #partialSinceMs: number | null = null;
  #idle: TimerHandle | null = null;
  #half: TimerHandle | null = null;
  #isStopped = false;

  constructor(timers: Timers, limits: SocketLimits, watched: Watched) {
    this.#timers = timers;
    this.#limits = limits;
    this.#watched = watched;
    this.#lastBytesMs = timers.nowMs();
    if (limits.idleTimeoutMs !== Infinity) this.#armIdle(limits.idleTimeoutMs);
  }

  /** @param ended a frame ended in these bytes, so an incomplete one began in them. */
  onBytes(ended: boolean, isPartial: boolean): void {
    const nowMs = this.#timers.nowMs();
    this.#lastBytesMs = nowMs;
    if (!isPartial) {
      this.#partialSinceMs = null;
      return;
    }
    if (ended || this.#partialSinceMs === null) this.#partialSinceMs = nowMs;
    if (this.#half === null) this.#armHalf(this.#limits.halfFrameTimeoutMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#idle?.cancel();
    this.#half?.cancel();
  }

  #armIdle(ms: number): void {
    this.#idle = this.#timers.after(ms, () => this.#checkIdle());
  }

  #checkIdle(): void {
    if (this.#isStopped) return;
    const { idleTimeoutMs } = this.#limits;
    const leftMs = this.#lastBytesMs + idleTimeoutMs - this.#timers.nowMs();
    if (leftMs > 0) return this.#armIdle(leftMs);
    if (this.#watched.isBusy()) return this.#armIdle(idleTimeoutMs);
    this.#watched.onIdle(new AirlockError('UNAVAILABLE', 'the connection was idle for too long', { hint: 'connect again' }));
  }

  #armHalf(ms: number): void {
    this.#half = this.#timers.after(ms, () => this.#checkHalf());
  }

  #checkHalf(): void {
    this.#half = null;
    if (this.#isStopped || this.#partialSinceMs === null) return;
    const leftMs = this.#partialSinceMs + this.#limits.halfFrameTimeoutMs - this.#timers.nowMs();
    if (leftMs > 0) return this.#armHalf(leftMs);
    this.#watched.onHalfFrame(
      new FrameError('FRAME_INVALID', 'half a frame, and no end of it in time', true, { found: 'half a frame' }),
    );
  }
}
