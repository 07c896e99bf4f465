/** How often a role may do what bothers a human or is a guess. A bucket that refills. */
import { AirlockError, type Clock } from '@airlock/protocol';

const MINUTE_MS = 60_000;

interface Bucket {
  left: number;
  atMs: number;
}

export interface RateOptions {
  readonly burst: number;
  readonly refillPerMinute: number;
  /** `role R …`, for the refusal. */
  readonly tooOften: string;
}

export class RoleRate {
  readonly #clock: Clock;
  readonly #options: RateOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, options: RateOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Takes one from the role's bucket. @throws AirlockError RATE_LIMITED with the time until the next. */
  take(role: string): void {
    const { burst, refillPerMinute, tooOften } = this.#options;
    const nowMs = this.#clock.bootMs();
    const bucket = this.#buckets.get(role) ?? { left: burst, atMs: nowMs };
    const refill = (Math.max(0, nowMs - bucket.atMs) * refillPerMinute) / MINUTE_MS;
    const left = Math.min(burst, bucket.left + refill);
    if (left < 1) {
      const retryAfterMs = Math.ceil(((1 - left) * MINUTE_MS) / refillPerMinute);
      throw new AirlockError('RATE_LIMITED', `role ${role} ${tooOften}`, {
        hint: 'wait for the time named in retryAfterMs',
        retryAfterMs,
      });
    }
    this.#buckets.set(role, { left: left - 1, atMs: nowMs });
  }
}
