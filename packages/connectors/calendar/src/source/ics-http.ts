/** An .ics at an address of the sealed origin; of a secret one the address is the credential and stands in no error (CAL-5). */
import type { Egress } from '@airlock/egress';
import { AirlockError, formatOrigin, type Clock, type Origin } from '@airlock/protocol';
import { upstreamError } from '../failure.js';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import type { Reader } from './text-source.js';

/** `webcal:` is how calendars are subscribed to; it means https. */
export const httpsOf = (address: string): string => address.trim().replace(/^webcals?:/i, 'https:');

const defaultPort = (protocol: string): number => (protocol === 'http:' ? 80 : 443);

/** CAL-1. @throws AirlockError CONFIG_INVALID where the address is not on the sealed origin; the address is not repeated. */
export const addressWithin = (address: string, origin: Origin): URL => {
  const text = httpsOf(address);
  const url = URL.canParse(text) ? new URL(text) : null;
  const port = Number(url?.port) || defaultPort(url?.protocol ?? '');
  const fits = url?.protocol === `${origin.scheme}:` && url.hostname === origin.host && port === origin.port;
  if (url !== null && fits && url.username === '' && url.password === '') return url;
  throw new AirlockError('CONFIG_INVALID', 'the address of the calendar is not on the sealed origin', {
    expected: `an address that begins with ${formatOrigin(origin)}`,
    found: 'other',
  });
};

export interface AddressOptions {
  readonly egress: Egress;
  readonly url: URL;
  /** Whether knowing the address is what permits reading. */
  readonly isSecret: boolean;
  readonly clock: Clock;
}

const refusalOf = (status: number, isSecret: boolean): AirlockError => {
  const secretGone = isSecret && (status === 404 || status === 410);
  if (status === 401 || status === 403 || secretGone) return upstreamError('bad_credentials');
  return upstreamError('other', status === 404 ? 'the server has no calendar at this address' : undefined);
};

/** Asks at most once a minute, and only for what changed since. */
export const addressReader = ({ egress, url, isSecret, clock }: AddressOptions): Reader => {
  let readAtMs = -Infinity;
  let etag = '';
  const read = async (pace: Pace): Promise<Buffer | null> => {
    if (clock.bootMs() - readAtMs < LIMITS.freshMs) return null;
    pace.request();
    const headers = { accept: 'text/calendar, */*;q=0.1', ...(etag === '' ? {} : { 'if-none-match': etag }) };
    const answer = await egress.request({ method: 'GET', url: url.href, headers, signal: pace.signal });
    if (answer.status !== 304 && answer.status !== 200) throw refusalOf(answer.status, isSecret);
    if (answer.status === 304 && etag === '') throw upstreamError('other');
    readAtMs = clock.bootMs();
    if (answer.status === 304) return null;
    const given = answer.headers['etag'] ?? '';
    etag = /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(given) ? given : '';
    return answer.body;
  };
  return { read, close: () => egress.close() };
};
