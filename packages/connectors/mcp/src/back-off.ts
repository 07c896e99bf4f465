/** UPSTREAM-12: how long a program that ended is held back. Pure. */
import { MCP_LIMITS } from './limits.js';

export class BackOff {
  #ends = 0;
  #notBeforeMs = 0;

  /** How long a start has to wait at this time; 0 where it may begin. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** A program ended that had lived so long. */
  ended(nowMs: number, livedMs: number): void {
    if (livedMs >= MCP_LIMITS.forgiveAfterMs) this.#ends = 0;
    this.#ends += 1;
    const seconds = this.#ends === 1 ? 0 : 2 ** Math.min(this.#ends - 2, 10);
    this.#notBeforeMs = nowMs + Math.min(seconds * 1000, MCP_LIMITS.maxBackOffMs);
  }
}
