/** How long to wait after a failure (SINK-4). Pure. */
import { EXPORT_LIMITS } from './limits.js';

/**
 * @param failures in a row, from 1
 * @param retryAfterMs what the receiver asked for, or null
 * @param random of [0, 1): exporters of many machines must not come back at once
 */
export const decideBackoffMs = (failures: number, retryAfterMs: number | null, random: number): number => {
  const { backoffMs, maxBackoffMs } = EXPORT_LIMITS;
  const grown = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(failures - 1, 20));
  const asked = retryAfterMs === null ? 0 : Math.min(maxBackoffMs, retryAfterMs);
  return Math.round(Math.max(asked, grown / 2 + (grown / 2) * random));
};
