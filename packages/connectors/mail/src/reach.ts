/**
 * The messages that a lease reaches: by the sender, by the sender's domain, by the day of arrival (docs/spec/mail.md).
 *
 * MAIL-30  `senders` and `domains` are compared exactly with every address of the one From field (senders.ts).
 * MAIL-31  `since` and `before` are compared with the day of arrival, never with a date that the sender wrote.
 */
import { AirlockError, constraintDayMs, constraintList, type Json } from '@airlock/protocol';

export interface Reach {
  /** Addresses in lower case or null for all. */
  readonly senders: ReadonlySet<string> | null;
  /** Domains in lower case or null for all. */
  readonly domains: ReadonlySet<string> | null;
  /** Midnight UTC, or null for all. */
  readonly sinceMs: number | null;
  readonly beforeMs: number | null;
}

/** @throws AirlockError CONSTRAINT where a constraint cannot be read. */
export const reachOf = (constraints: Readonly<Record<string, Json>>): Reach => ({
  senders: constraintList(constraints, 'senders'),
  domains: constraintList(constraints, 'domains'),
  sinceMs: constraintDayMs(constraints, 'since'),
  beforeMs: constraintDayMs(constraints, 'before'),
});

const asksSender = ({ senders, domains }: Reach): boolean => senders !== null || domains !== null;
const asksDay = ({ sinceMs, beforeMs }: Reach): boolean => sinceMs !== null || beforeMs !== null;

/** Whether only the day and not the sender, or the other way round, has to be looked at. */
export const asked = (reach: Reach): { readonly sender: boolean; readonly day: boolean } => ({
  sender: asksSender(reach),
  day: asksDay(reach),
});

/** Whether everything is within reach. */
export const isWhole = (reach: Reach): boolean => !asksSender(reach) && !asksDay(reach);

/** For the fingerprint of a question: a cursor of another reach does not fit. Nothing where everything is within reach. */
export const reachJson = (reach: Reach): Json[] =>
  isWhole(reach)
    ? []
    : [[...(reach.senders ?? ['*'])].sort(), [...(reach.domains ?? ['*'])].sort(), reach.sinceMs ?? '', reach.beforeMs ?? ''];

/** MAIL-30. A second author who is not allowed is one too many. */
export const areAllowed = ({ senders, domains }: Reach, from: readonly string[]): boolean =>
  (senders === null && domains === null) ||
  (from.length > 0 &&
    from.every(
      (address) => senders?.has(address) !== false && domains?.has(address.slice(address.lastIndexOf('@') + 1)) !== false,
    ));

/** MAIL-31. @param slackMs how far the clock of whoever wrote the time may be from UTC */
export const hasArrivedWithin = ({ sinceMs, beforeMs }: Reach, arrivedMs: number | null, slackMs = 0): boolean =>
  (sinceMs === null && beforeMs === null) ||
  (arrivedMs !== null && arrivedMs + slackMs >= (sinceMs ?? -Infinity) && arrivedMs - slackMs < (beforeMs ?? Infinity));

/** What is outside is answered like what is not there (MAIL-32). */
export const notThere = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'the message is not there any more', { field: 'params.id', hint: 'list again' });
