/**
 * Which sealed origin a URL belongs to, and where a redirect leads. Pure.
 *
 * EGRESS-1   Nothing but the sealed origins is connected to: scheme, host and port must be equal to one of them.
 * EGRESS-9   A redirect is followed within the sealed origins only, a bounded number of times, and never from https to http.
 */
import { AirlockError, formatOrigin, type Origin } from '@airlock/protocol';
import { refused } from './errors.js';
import { MORE_LIMITS } from './limits.js';
import type { EgressMethod } from './types.js';

const PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

export interface Target {
  readonly origin: Origin;
  readonly url: URL;
}

/** The URL without fragment, within one of the origins; null where it is in none or carries a user. */
const within = (url: URL, origins: readonly Origin[]): Target | null => {
  const port = url.port === '' ? PORTS[url.protocol] : Number(url.port);
  const origin = origins.find(
    ({ scheme, host, port: sealed }) => `${scheme}:` === url.protocol && host === url.hostname && port === sealed,
  );
  if (origin === undefined || url.username !== '' || url.password !== '') return null;
  const plain = new URL(url);
  plain.hash = '';
  return { origin, url: plain };
};

const baseOf = (origins: readonly Origin[]): string =>
  `${formatOrigin(origins[0] ?? { scheme: 'https', host: 'invalid', port: 1 })}/`;

/** EGRESS-1. @throws AirlockError PARAMS_INVALID with what is allowed. */
export const targetOf = (text: string, origins: readonly Origin[]): Target => {
  const base = baseOf(origins);
  const isReadable = text.length <= MORE_LIMITS.maxUrlChars && URL.canParse(text, base);
  const target = isReadable ? within(new URL(text, base), origins) : null;
  if (target !== null) return target;
  const expected = `a URL within ${origins.map(formatOrigin).join(', ')}`;
  throw new AirlockError('PARAMS_INVALID', 'the URL lies outside of what was sealed', {
    field: 'params.url',
    expected,
    found: JSON.stringify(text.slice(0, 80).toWellFormed()),
    hint: `ask for ${expected}, without user and password`,
  });
};

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Only a status that redirects and says where to is one; all others are answers. */
export const isRedirect = (status: number, location: string | undefined): location is string =>
  REDIRECTS.has(status) && location !== undefined;

/** EGRESS-9. @throws AirlockError UPSTREAM_REFUSED (redirect_refused); the place is not repeated. */
export const redirectTarget = (from: Target, location: string, origins: readonly Origin[]): Target => {
  const isReadable = location.length <= MORE_LIMITS.maxUrlChars && URL.canParse(location, from.url.href);
  const target = isReadable ? within(new URL(location, from.url), origins) : null;
  if (target === null || (from.origin.scheme === 'https' && target.origin.scheme !== 'https')) {
    throw refused('redirect_refused', { expected: origins.map(formatOrigin).join(', ') });
  }
  return target;
};

const KEEPS_METHOD: ReadonlySet<EgressMethod> = new Set<EgressMethod>(['GET', 'HEAD', 'PROPFIND', 'REPORT', 'OPTIONS']);

/** The method after a redirect (RFC 9110 §15.4): a POST becomes a GET unless 307 or 308 keep it. */
export const redirectMethod = (method: EgressMethod, status: number): EgressMethod =>
  status === 307 || status === 308 || KEEPS_METHOD.has(method) ? method : 'GET';
