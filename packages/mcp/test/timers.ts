/** Time that passes when the test says so. */
import type { TimerHandle, Timers } from '@airlock/protocol';

export class ManualTimers implements Timers {
  #now = 0;
  readonly #pending = new Set<{ readonly atMs: number; readonly run: () => void }>();

  nowMs(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): TimerHandle {
    const entry = { atMs: this.#now + ms, run };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Whether something is due within this time. */
  isDue(withinMs: number): boolean {
    return [...this.#pending].some(({ atMs }) => atMs <= this.#now + withinMs);
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const entry of [...this.#pending].filter(({ atMs }) => atMs <= this.#now)) {
      this.#pending.delete(entry);
      entry.run();
    }
  }
}
