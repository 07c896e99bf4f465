/** How often a role may ask: requests bother a human and are durable records. A bucket that refills. */
import { AirlockError, type Clock } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

const MINUTE_MS = 60_000;

interface Bucket {
  left: number;
  atMs: number;
}

export class RequestRate {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one from the role's bucket. @throws AirlockError RATE_LIMITED with the time until the next. */
  take(role: string): void {
    const nowMs = this.#clock.bootMs();
    const bucket = this.#buckets.get(role) ?? { left: GATEWAY_LIMITS.requestBurst, atMs: nowMs };
    const refill = (Math.max(0, nowMs - bucket.atMs) * GATEWAY_LIMITS.requestRefillPerMinute) / MINUTE_MS;
    const left = Math.min(GATEWAY_LIMITS.requestBurst, bucket.left + refill);
    if (left < 1) {
      const retryAfterMs = Math.ceil(((1 - left) * MINUTE_MS) / GATEWAY_LIMITS.requestRefillPerMinute);
      throw new AirlockError('RATE_LIMITED', `role ${role} asks too often`, {
        hint: 'wait for the time named in retryAfterMs',
        retryAfterMs,
      });
    }
    this.#buckets.set(role, { left: left - 1, atMs: nowMs });
  }
}
