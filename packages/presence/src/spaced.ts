/** Runs something when asked, never twice at once, and with a pause after each time; the last asking is never lost. */
import type { Timers } from '@airlock/protocol';

export class Spaced {
  readonly #run: () => Promise<void>;
  readonly #timers: Timers;
  readonly #pauseMs: number;
  #isAsked = false;
  #isBusy = false;

  /** @param run never rejects */
  constructor(run: () => Promise<void>, timers: Timers, pauseMs: number) {
    this.#run = run;
    this.#timers = timers;
    this.#pauseMs = pauseMs;
  }

  /** It begins after this: at once, or when what runs has ended and the pause is over. @returns once nothing runs that was begun here */
  async ask(): Promise<void> {
    this.#isAsked = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#isAsked = false;
    try {
      await this.#run();
    } finally {
      this.#timers.after(this.#pauseMs, () => this.#resume());
    }
  }

  #resume(): void {
    this.#isBusy = false;
    if (this.#isAsked) void this.ask();
  }
}
