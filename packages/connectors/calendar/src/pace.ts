/** Lets timers and sockets have their turn during long work, and ends it in time: a cell whose thread stands still is killed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@airlock/protocol';
import { abortError, unreadable } from './failure.js';
import { LIMITS } from './limits.js';

/** Steps between two turns: 100 events are parsed in about 5 ms. */
const STEPS_A_TURN = 100;

/** What one call may still do. */
export class Pace {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #startMs: number;
  #steps = 0;
  #instances = LIMITS.maxInstancesPerCall;
  #requests = 0;

  constructor(signal: AbortSignal, clock: Clock) {
    this.signal = signal;
    this.#clock = clock;
    this.#startMs = clock.bootMs();
  }

  /** @throws AirlockError of the signal, or UPSTREAM_TIMEOUT. */
  async step(weight = 1): Promise<void> {
    const before = Math.floor(this.#steps / STEPS_A_TURN);
    this.#steps += weight;
    if (Math.floor(this.#steps / STEPS_A_TURN) !== before) await nextTurn();
    if (this.signal.aborted) throw abortError(this.signal);
  }

  /** Counts one request to the server. @throws AirlockError UPSTREAM_REFUSED where a call needs more than any should. */
  request(): void {
    this.#requests += 1;
    if (this.#requests > LIMITS.maxRequests) throw unreadable('it takes too many requests');
    if (this.signal.aborted) throw abortError(this.signal);
  }

  /** Instances that may still be made. */
  get left(): number {
    return this.#clock.bootMs() - this.#startMs > LIMITS.maxExpandMs ? 0 : this.#instances;
  }

  spend(instances: number): void {
    this.#instances -= instances;
  }
}
