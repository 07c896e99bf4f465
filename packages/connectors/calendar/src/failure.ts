/** What can go wrong upstream, in words of ours: nothing a server says stands in an error (CAL-21). */
import { AirlockError } from '@airlock/protocol';

export type Cause = 'bad_credentials' | 'no_network' | 'tls' | 'other';

const MESSAGES: Readonly<Record<Cause, string>> = {
  bad_credentials: 'the calendar server refused the user name, password or secret address',
  no_network: 'the calendar server cannot be reached',
  tls: 'the calendar server could not prove who it is',
  other: 'the calendar server sent a refusal or something unreadable',
};

/** @param hint where something better is known than the table of errors says. */
export const upstreamError = (found: Cause, message = MESSAGES[found], hint?: string): AirlockError =>
  new AirlockError(found === 'no_network' ? 'UNAVAILABLE' : 'UPSTREAM_REFUSED', message, {
    found,
    ...(hint === undefined ? {} : { hint }),
  });

/** The answer is no calendar, or one no person has; `why` is one of our own sentences. */
export const unreadable = (why: string): AirlockError => upstreamError('other', `the calendar cannot be read: ${why}`);

/** The reason of an aborted signal: ours where it is one, else a timeout. */
export const abortError = (signal: AbortSignal): AirlockError =>
  signal.reason instanceof AirlockError
    ? signal.reason
    : new AirlockError('UPSTREAM_TIMEOUT', 'the calendar did not answer in time', { found: 'other' });
