/**
 * How long the gateway says the record was kept, beside what airlock.yaml says.
 *
 * AUDIT-29  the gateway's own word is all that AUDIT-28 holds the age of what is gone against: one that lies small is shown.
 */
import { readCompiled } from '../attack/targets.js';
import type { Context } from '../context.js';
import type { Ahead } from './removed.js';

export interface KeptDays {
  /** What the gateway's `log_pruned` says. */
  readonly said: number;
  /** What airlock.yaml says now; left out for copies. */
  readonly configured?: number;
  /** AUDIT-28: the clock ran ahead then, and what was removed is younger by the clock of now. */
  readonly ahead?: Ahead;
}

/** Of this machine; null where it cannot be read. */
export const configuredDays = (context: Context): number | null => {
  try {
    return readCompiled(context).audit.retainDays;
  } catch {
    // A damaged configuration is doctor's to tell.
    return null;
  }
};

/** Pure. */
export const isTooFew = ({ said, configured }: KeptDays): boolean => configured !== undefined && said < configured;

const aheadText = (days: number, { signedAt, newestAt }: Ahead): string =>
  `WARNING: gateway log: the clock of this machine ran ahead: airlock-totp signed the removal at ${signedAt}, and its newest head at ${newestAt}; by the clock of now what was removed was younger than ${days} days`;

/** Pure. */
export const keptText = (kept: KeptDays): readonly string[] => [
  `gateway log: it says that what it removed was older than ${kept.said} days`,
  ...(isTooFew(kept)
    ? [
        `WARNING: gateway log: airlock.yaml keeps ${kept.configured ?? 0} days (audit.retain_days): unless it was raised since, younger records were removed`,
      ]
    : []),
  ...(kept.ahead === undefined ? [] : [aheadText(kept.said, kept.ahead)]),
];
