/**
 * Folds repeated refusals of one (role, code) into one record a second, so that an agent cannot fill the log by
 * asking for what it may not have (AUDIT-24). State and clock only: it writes nothing.
 */
import type { Clock } from '@airlock/protocol';
import { FOLD_WINDOW_MS } from './limits.js';

/** One record to write: `count` refusals of `role` with `code`. */
export interface FoldedRefusal {
  readonly role: string;
  readonly code: string;
  readonly count: number;
}

interface Window {
  readonly role: string;
  readonly code: string;
  startMs: number;
  count: number;
}

export class RefusalFolder {
  readonly #clock: Pick<Clock, 'bootMs'>;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, 'bootMs'>) {
    this.#clock = clock;
  }

  /** Counts one refusal. @returns the record to write now, or null while it is folded into the next. */
  refused(role: string, code: string): FoldedRefusal | null {
    const now = this.#clock.bootMs();
    const key = `${role}\n${code}`;
    const window = this.#windows.get(key);
    if (window === undefined) {
      this.#windows.set(key, { role, code, startMs: now, count: 0 });
      return { role, code, count: 1 };
    }
    window.count += 1;
    return now - window.startMs < FOLD_WINDOW_MS ? null : this.#emit(window, now);
  }

  /** Records whose second is over; call it about once a second. Forgets what was quiet for one. */
  due(): FoldedRefusal[] {
    const now = this.#clock.bootMs();
    const over = [...this.#windows].filter(([, window]) => now - window.startMs >= FOLD_WINDOW_MS);
    for (const [key, window] of over) if (window.count === 0) this.#windows.delete(key);
    return over.filter(([, window]) => window.count > 0).map(([, window]) => this.#emit(window, now));
  }

  /** Everything still folded, whatever the time: before closing the log. */
  drain(): FoldedRefusal[] {
    const held = [...this.#windows.values()].filter(({ count }) => count > 0);
    this.#windows.clear();
    return held.map(({ role, code, count }) => ({ role, code, count }));
  }

  #emit(window: Window, now: number): FoldedRefusal {
    const { role, code, count } = window;
    window.startMs = now;
    window.count = 0;
    return { role, code, count };
  }
}
