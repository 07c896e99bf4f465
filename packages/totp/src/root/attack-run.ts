/** What came of `doctor --attack`, into the record: root says it, and its figures have to agree with each other. */
import { AirlockError, ATTACK_LIMITS, type AttackRun } from '@airlock/protocol';
import type { Journal } from '../heads/journal.js';

/** ATTACKRUN-2: which of the figures cannot be, or null. */
const contradiction = ({ probes, held, untried, through, holes }: AttackRun): AirlockError | null => {
  const sum = held + untried + through;
  if (sum !== probes) {
    return new AirlockError('PARAMS_INVALID', 'the figures do not add up', {
      field: 'params.probes',
      expected: `held + untried + through = ${sum}`,
      found: String(probes),
    });
  }
  const named = Math.min(through, ATTACK_LIMITS.holes);
  if (holes.length === named) return null;
  return new AirlockError('PARAMS_INVALID', 'the holes that are named are not those that were counted', {
    field: 'params.holes',
    expected: `${named} names`,
    found: `${holes.length}`,
  });
};

/** @returns where it stands in the log. @throws AirlockError PARAMS_INVALID, AUDIT_UNAVAILABLE */
export const recordAttack = (journal: Journal, run: AttackRun): { readonly seq: number } => {
  const wrong = contradiction(run);
  if (wrong !== null) throw wrong;
  return { seq: journal.record('attack_run', { ...run }) };
};
