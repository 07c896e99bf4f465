/** Bytes one role may write into the log: a bucket that refills, so that no role can fill the disk (AUDIT-24). */
import type { Clock } from '@airlock/protocol';
import { ROLE_BURST_BYTES, ROLE_REFILL_BYTES_PER_S } from './limits.js';

export interface QuotaLimits {
  readonly burstBytes: number;
  readonly refillBytesPerS: number;
}

/** What is left of a role's bucket, and when that was true (boot time). */
export interface QuotaState {
  readonly leftBytes: number;
  readonly atMs: number;
}

export const DEFAULT_QUOTA: QuotaLimits = { burstBytes: ROLE_BURST_BYTES, refillBytesPerS: ROLE_REFILL_BYTES_PER_S };

/** Pure: whether `bytes` may be written now, and the bucket after it. A refusal takes nothing. */
export const decideQuota = (
  limits: QuotaLimits,
  state: QuotaState | undefined,
  bytes: number,
  nowMs: number,
): { allowed: boolean; state: QuotaState } => {
  const { leftBytes, atMs } = state ?? { leftBytes: limits.burstBytes, atMs: nowMs };
  const refill = (Math.max(0, nowMs - atMs) * limits.refillBytesPerS) / 1000;
  const left = Math.min(limits.burstBytes, leftBytes + refill);
  const allowed = bytes <= left;
  return { allowed, state: { leftBytes: allowed ? left - bytes : left, atMs: nowMs } };
};

/** The buckets of all roles; roles are few and named by root, so the map is small. */
export class RoleQuota {
  readonly #clock: Pick<Clock, 'bootMs'>;
  readonly #limits: QuotaLimits;
  readonly #states = new Map<string, QuotaState>();

  constructor(clock: Pick<Clock, 'bootMs'>, limits: QuotaLimits = DEFAULT_QUOTA) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes `bytes` from the role's bucket. @returns false where it has not that many: refuse with RATE_LIMITED. */
  take(role: string, bytes: number): boolean {
    const { allowed, state } = decideQuota(this.#limits, this.#states.get(role), bytes, this.#clock.bootMs());
    this.#states.set(role, state);
    return allowed;
  }
}
