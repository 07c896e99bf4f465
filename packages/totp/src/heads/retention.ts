/**
 * Keeps this daemon's own log as long as `audit.retain_days` says (docs/spec/audit.md "Keeping").
 *
 * AUDIT-25  recorded, signed, then removed. AUDIT-27  one segment an hour.
 */
import { findPrunable, removeSegment } from '@airlock/audit';
import { TOTP_LIMITS } from '../limits.js';
import type { House } from '../operators/house.js';
import { TOTP_LOG } from './heads.js';

/** One step: at most one segment. @throws what journal, heads and file system throw */
const prune = ({ heads, journal, clock, config, directory }: House): void => {
  const dir = `${directory.path}/audit`;
  const { retainDays } = config.audit;
  const found = findPrunable({ dir, nowMs: clock.wallMs(), retainDays, signedSize: heads.last(TOTP_LOG).size });
  if (found === null) return;
  const seq = journal.record('log_pruned', { ...found, retainDays });
  heads.sign(TOTP_LOG, journal.durableHead());
  if (heads.last(TOTP_LOG).size >= seq) removeSegment(dir, found.file);
};

/** To be called often; looks once an hour. */
export const retention = (house: House): (() => void) => {
  let againAtMs = 0;
  return () => {
    const nowMs = house.clock.bootMs();
    if (nowMs < againAtMs || house.sealed() !== null) return;
    againAtMs = nowMs + TOTP_LIMITS.pruneIntervalMs;
    try {
      prune(house);
    } catch {
      // A journal that cannot be written has sealed the daemon, a head that cannot is tried again soon and seals it then;
      // a segment that stays is tried again.
    }
  };
};
