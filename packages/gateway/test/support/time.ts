/** Time that only a test moves. */
import type { Clock, TimerHandle, Timers } from '@airlock/protocol';

export class ManualClock implements Clock {
  wall = 1_790_000_000_000;
  boot = 1_000_000;

  wallMs(): number {
    return this.wall;
  }

  bootMs(): number {
    return this.boot;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }
}

interface Armed {
  readonly atMs: number;
  readonly fn: () => void;
}

export class ManualTimers implements Timers {
  #nowMs = 0;
  readonly #armed = new Set<Armed>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, fn: () => void): TimerHandle {
    const armed: Armed = { atMs: this.#nowMs + ms, fn };
    this.#armed.add(armed);
    return { cancel: () => void this.#armed.delete(armed) };
  }

  /** How many wait. */
  get armed(): number {
    return this.#armed.size;
  }

  /** Fires what is due up to then, in order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#armed].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#armed.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
    }
    this.#nowMs = end;
  }
}
