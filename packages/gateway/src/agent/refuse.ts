/** A refusal, recorded and numbered before it leaves. */
import type { Fields } from '@airlock/audit';
import { AirlockError, asAirlockError } from '@airlock/protocol';
import type { House } from '../house.js';
import type { Identity } from '../sessions/sessions.js';

/** The same error with the record's number in it. */
const withAudit = (error: AirlockError, audit: number | undefined): AirlockError =>
  audit === undefined ? error : new AirlockError(error.code, error.message, { ...error.data, audit });

/** What a refusal was aimed at, where the caller does not know better: service and operation, or what the error found. */
const targetOf = ({ service, operation }: Fields, { message, data }: AirlockError): string =>
  typeof service === 'string' && typeof operation === 'string' ? `${service} ${operation}` : `${message} ${data.found ?? ''}`;

/**
 * Records and returns what was thrown. Repetitions are folded and have no number.
 * @param target what it was aimed at, for the count of ids that do not exist
 * @returns BLOCKED in its place where it is one too many (ANOM-2)
 */
export const refused = (
  house: House,
  { role, operator }: Identity,
  thrown: unknown,
  detail: Fields,
  target?: string,
): AirlockError => {
  const error = asAirlockError(thrown);
  if (!(thrown instanceof AirlockError)) house.options.log(`internal error: ${describe(thrown)}`);
  const recorded = withAudit(error, house.journal.refused(role, error.code, { ...detail, operator }));
  const session = typeof detail['session'] === 'string' ? detail['session'] : null;
  return house.watch.ended({ operator, role, session }, recorded, target ?? targetOf(detail, error));
};

/** Records a refusal that says nothing about who is at work, such as a probe of `doctor --attack`: it is not counted. */
export const refusedUncounted = (house: House, { role, operator }: Identity, error: AirlockError, detail: Fields): AirlockError =>
  withAudit(error, house.journal.refused(role, error.code, { ...detail, operator }));

/** Class and place, never the message, which may quote what a peer sent. */
const describe = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name} ${String(thrown.stack).split('\n').slice(1, 3).join(' ').trim()}` : typeof thrown;

export { withAudit };
