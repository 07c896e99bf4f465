/** A refusal, recorded and numbered before it leaves. */
import type { Fields } from '@airlock/audit';
import { AirlockError, asAirlockError } from '@airlock/protocol';
import type { House } from '../house.js';
import type { Identity } from '../sessions/sessions.js';

/** The same error with the record's number in it. */
const withAudit = (error: AirlockError, audit: number | undefined): AirlockError =>
  audit === undefined ? error : new AirlockError(error.code, error.message, { ...error.data, audit });

/** Records and returns what was thrown. Repetitions are folded and have no number. */
export const refused = (house: House, { role, operator }: Identity, thrown: unknown, detail: Fields): AirlockError => {
  const error = asAirlockError(thrown);
  if (!(thrown instanceof AirlockError)) house.options.log(`internal error: ${describe(thrown)}`);
  return withAudit(error, house.journal.refused(role, error.code, { ...detail, operator }));
};

/** Class and place, never the message, which may quote what a peer sent. */
const describe = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name} ${(thrown.stack ?? '').split('\n').slice(1, 3).join(' ').trim()}` : typeof thrown;

export { withAudit };
