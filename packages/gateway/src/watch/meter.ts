/** Two ways to count within a window, both in memory that does not grow. The clock is a parameter. */

/** Counts one more of something, and says how many there are now. */
export interface Meter {
  /** @param target what it was aimed at; looked at only where different targets count */
  add(nowMs: number, target: string): number;
}

/** A leaky bucket: a whole window's worth at once is taken, and what was taken runs out evenly over the window. */
export class LeakyMeter implements Meter {
  readonly #leakPerMs: number;
  #level = 0;
  #atMs = 0;

  constructor(limit: number, windowMs: number) {
    this.#leakPerMs = limit / windowMs;
  }

  add(nowMs: number): number {
    const leaked = Math.max(0, nowMs - this.#atMs) * this.#leakPerMs;
    this.#level = Math.max(0, this.#level - leaked) + 1;
    this.#atMs = nowMs;
    return this.#level;
  }
}

/** Different targets seen within the window, one of them counted once. */
export class DistinctMeter implements Meter {
  readonly #limit: number;
  readonly #windowMs: number;
  /** Target to when it was first seen; insertion order is age. */
  readonly #seen = new Map<string, number>();

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** A target that is known does not count again, so its own repetition crosses no limit. @returns 0 for one that is known */
  add(nowMs: number, target: string): number {
    this.#drop(nowMs);
    if (this.#seen.has(target)) return 0;
    this.#seen.set(target, nowMs);
    return this.#seen.size;
  }

  /** What is too old, and beyond one above the limit the oldest: more say nothing more. */
  #drop(nowMs: number): void {
    for (const [target, seenMs] of this.#seen) {
      if (nowMs - seenMs < this.#windowMs && this.#seen.size <= this.#limit) return;
      this.#seen.delete(target);
    }
  }
}
