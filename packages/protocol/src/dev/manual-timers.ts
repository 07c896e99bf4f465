/** Timers that only a test moves. */
import type { TimerHandle, Timers } from '../timers.js';

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

  /** Whether something is due within this time. */
  isDue(withinMs: number): boolean {
    return this.#next(this.#nowMs + withinMs) !== undefined;
  }

  /** Fires what is due up to then, in order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#armed.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
    }
    this.#nowMs = end;
  }

  #next(untilMs: number): Armed | undefined {
    return [...this.#armed].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}
