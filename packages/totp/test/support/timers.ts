/** Timers that only a test moves. */
import type { TimerHandle, Timers } from '@airlock/protocol';

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
