/** What can go wrong with a request, in our own words: nothing a server sent stands in them. */
import { AirlockError, type ErrorDetail } from '@airlock/protocol';

/** `data.found` of UPSTREAM_REFUSED. */
export type Found =
  | 'address_refused'
  | 'redirect_refused'
  | 'too_many_redirects'
  | 'tls'
  | 'malformed'
  | 'headers_too_large'
  | 'body_too_large'
  | 'compression'
  | 'cleartext'
  | 'other';

const MESSAGES: Readonly<Record<Found, string>> = {
  address_refused: 'the server stands at an address that is not allowed',
  redirect_refused: 'the server sent us to a place outside of what was sealed',
  too_many_redirects: 'the server sent us from place to place without end',
  tls: 'the server could not prove who it is',
  malformed: 'the server sent an answer that is no proper HTTP, or broke it off',
  headers_too_large: 'the server sent more headers than are read',
  body_too_large: 'the server sent more than is read',
  compression: 'the server sent a compressed answer that is damaged, unknown or made to burst',
  cleartext: 'a credential would leave this network without encryption',
  other: 'the server sent a refusal or something unreadable',
};

const HINTS: Partial<Readonly<Record<Found, string>>> = {
  redirect_refused: 'ask for the final address itself; the operator decides which origins are sealed',
  body_too_large: 'ask for less at a time',
  cleartext: 'the operator can add the service again with an https:// address',
};

export const refused = (found: Found, detail: ErrorDetail = {}): AirlockError => {
  const hint = HINTS[found];
  return new AirlockError('UPSTREAM_REFUSED', MESSAGES[found], { found, ...(hint === undefined ? {} : { hint }), ...detail });
};

/** @param found connect: nobody answered; idle: silence within an answer; total: the whole took too long. */
export const timedOut = (found: 'connect' | 'idle' | 'total'): AirlockError =>
  new AirlockError('UPSTREAM_TIMEOUT', 'the server did not answer in time', { found });

export const unreachable = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the server cannot be reached', {
    found: 'no_network',
    hint: 'the operator can check the network and the name of the server: airlock-ctl service test SERVICE',
  });

/** EGRESS-15. */
export const outcomeUnknown = (): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the request may have arrived, and no answer that could be read came back');

export const closed = (): AirlockError => new AirlockError('UNAVAILABLE', 'the HTTP client was closed');

/** The reason of an aborted signal: ours where it is one, else the total time. */
export const abortError = (signal: AbortSignal): AirlockError =>
  signal.reason instanceof AirlockError ? signal.reason : timedOut('total');

/** A failure after the connection stood. */
export const fromExchange = (thrown: unknown): AirlockError => {
  if (thrown instanceof AirlockError) return thrown;
  const { code } = { code: '', ...(thrown as { readonly code?: string }) };
  if (code === 'UND_ERR_DESTROYED') return closed();
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return refused('headers_too_large');
  if (code === 'UND_ERR_INVALID_ARG') return new AirlockError('PARAMS_INVALID', 'the request cannot be written as HTTP');
  const isParserError = thrown instanceof Error && thrown.name === 'HTTPParserError';
  return refused(isParserError || /^(?:UND_ERR_|E[A-Z])/.test(code) ? 'malformed' : 'other');
};
