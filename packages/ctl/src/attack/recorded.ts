/** Puts what came of a run into the record of airlock-totp, over root.sock, which an agent cannot reach (docs/spec/audit.md). */
import { asAirlockError, ATTACK_LIMITS, type AttackRun } from '@airlock/protocol';
import { ask, canConnect, rootPath, withRoot, type Context } from '../context.js';
import { hintFor } from '../hints.js';
import { printable } from '../printable.js';
import type { AttackCheck } from './report.js';

/** `expected`: whoever ran it may write, so that a failure to do so is one of the installation. */
export interface Recorded {
  readonly recorded: boolean;
  readonly expected: boolean;
  readonly why: string;
  readonly hint: string;
}

/** Figures of each user, in the order of the checks. */
export const runsOf = (checks: readonly AttackCheck[]): readonly AttackRun[] => {
  const users = [...new Set(checks.map(({ user }) => user))];
  return users.map((user) => {
    const own = checks.filter((check) => check.user === user);
    const count = (outcome: AttackCheck['outcome']): number => own.filter((check) => check.outcome === outcome).length;
    const holes = own
      .filter(({ outcome }) => outcome === 'hole')
      .map(({ tried }) => printable(tried).slice(0, ATTACK_LIMITS.nameChars));
    return {
      user,
      role: own[0]?.role ?? 'default',
      probes: own.length,
      held: count('held'),
      untried: count('untried'),
      through: holes.length,
      holes: holes.slice(0, ATTACK_LIMITS.holes),
    };
  });
};

/** Never throws: a table is worth showing without a record, and says that there is none. */
export const recordRuns = async (context: Context, checks: readonly AttackCheck[]): Promise<Recorded> => {
  const expected = process.getuid?.() === 0 || canConnect(rootPath(context));
  if (!expected)
    return { recorded: false, expected, why: 'only root writes into the record', hint: 'sudo airlock-ctl doctor --attack' };
  try {
    await withRoot(context, async (link) => {
      for (const run of runsOf(checks)) await ask(link, 'attack.record', run);
    });
    return { recorded: true, expected, why: '', hint: '' };
  } catch (thrown) {
    const error = asAirlockError(thrown);
    return { recorded: false, expected, why: error.message, hint: hintFor(error) };
  }
};
