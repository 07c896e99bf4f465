/** Those who wait for their record to be durable. */
import type { AirlockError } from '@airlock/protocol';

interface Waiter {
  readonly seq: number;
  readonly resolve: (seq: number) => void;
  readonly reject: (error: AirlockError) => void;
}

export class Waiters {
  #waiting: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves with seq once that many records are durable, rejects where the log seals first. */
  until(seq: number): Promise<number> {
    return new Promise((resolve, reject) => this.#waiting.push({ seq, resolve, reject }));
  }

  durable(size: number): void {
    const ready = this.#waiting.filter(({ seq }) => seq <= size);
    this.#waiting = this.#waiting.filter(({ seq }) => seq > size);
    for (const { seq, resolve } of ready) resolve(seq);
  }

  fail(error: AirlockError): void {
    const failed = this.#waiting;
    this.#waiting = [];
    for (const { reject } of failed) reject(error);
  }
}
