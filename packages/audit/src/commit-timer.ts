/** The timer of a group commit: armed once, whatever is written meanwhile. */
import type { Timers } from '@airlock/protocol';

export class CommitTimer {
  readonly #timers: Timers;
  readonly #ms: number;
  readonly #commit: () => void;
  #cancel: (() => void) | null = null;

  constructor(timers: Timers, ms: number, commit: () => void) {
    this.#timers = timers;
    this.#ms = ms;
    this.#commit = commit;
  }

  arm(): void {
    if (this.#cancel !== null) return;
    const timer = this.#timers.after(this.#ms, () => {
      this.#cancel = null;
      this.#commit();
    });
    this.#cancel = () => timer.cancel();
  }

  disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
