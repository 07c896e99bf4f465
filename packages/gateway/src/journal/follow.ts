/** `audit.follow`: each new line to those who asked, read back from the files by the tick, so appending costs nothing. */
import type { Listener } from '../sessions/sessions.js';
import { linesFrom, segmentList, segmentNames } from './segments.js';

export class Follower {
  readonly #dir: string;
  readonly #listeners = new Set<Listener>();
  #segment = '';
  #offset = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  add(listener: Listener): void {
    if (this.#listeners.size === 0) this.#seekEnd();
    this.#listeners.add(listener);
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  tick(): void {
    if (this.#listeners.size === 0) return;
    for (const line of this.#newLines()) for (const listener of this.#listeners) listener.notify('audit.record', { line });
  }

  #seekEnd(): void {
    const newest = segmentList(this.#dir).at(-1);
    this.#segment = newest?.name ?? '';
    this.#offset = newest?.bytes ?? 0;
  }

  #newLines(): string[] {
    const lines: string[] = [];
    for (const name of segmentNames(this.#dir).filter((one) => one >= this.#segment)) {
      const from = name === this.#segment ? this.#offset : 0;
      const read = linesFrom(this.#dir, name, from);
      lines.push(...read.lines);
      this.#segment = name;
      this.#offset = read.next;
      // More of this segment is left for the next tick.
      if (read.lines.length > 0) break;
    }
    return lines;
  }
}
