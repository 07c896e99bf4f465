/**
 * What may be said of a write whose answer did not come (docs/spec/approval.md PARKED-4).
 *
 * Only the cell's own answer says what became of it, and three of its answers say nothing.
 */
import { wasAnswered } from '@airlock/ipc';
import { AirlockError, asAirlockError, type ScopeClass } from '@airlock/protocol';

const SAYS_NOTHING: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'INTERNAL', 'UPSTREAM_TIMEOUT']);

/** True where an operation that was sent to a cell may or may not have happened. What does not write may simply be asked again. */
export const isOutcomeUnknown = (kind: ScopeClass, thrown: unknown): boolean =>
  kind === 'write' && (!wasAnswered(thrown) || SAYS_NOTHING.has(asAirlockError(thrown).code));

/** @param thrown what the cell said, where it said something: a connector that knows how to find out says it in its hint. */
export const outcomeUnknown = (thrown: unknown, detail: { readonly request?: string } = {}): AirlockError => {
  const { code, data } = asAirlockError(thrown);
  const known = code === 'OUTCOME_UNKNOWN' && wasAnswered(thrown) ? { hint: data.hint } : {};
  return new AirlockError('OUTCOME_UNKNOWN', 'the operation was started, and whether it happened is not known', {
    ...known,
    ...detail,
  });
};
