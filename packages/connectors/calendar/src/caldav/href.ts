/**
 * Links of a server, before anything is asked of them.
 *
 * CAL-2  A link that leads to another origin, or carries a user, is not followed: the credential is never sent there.
 * CAL-3  A link to an event must lie inside the collection it was found in.
 */
import { formatOrigin, type Origin } from '@airlock/protocol';
import { upstreamError } from '../failure.js';
import { LIMITS } from '../limits.js';

const portOf = (url: URL): number => (url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port));

/** The path a link means on the sealed origin; null where it leads elsewhere. Dots are resolved, so `..` shows. */
export const pathWithin = (href: string, base: string, origin: Origin): string | null => {
  if (href.length > LIMITS.maxHrefChars || !URL.canParse(href, base)) return null;
  const url = new URL(href, base);
  const isSame = url.protocol === `${origin.scheme}:` && url.hostname === origin.host && portOf(url) === origin.port;
  return isSame && url.username === '' && url.password === '' && url.search === '' && url.hash === '' ? url.pathname : null;
};

/** CAL-3: the path of an event, or null. */
export const resourceWithin = (href: string, collection: string, origin: Origin): string | null => {
  const path = pathWithin(href, `${formatOrigin(origin)}${collection}`, origin);
  const folder = collection.endsWith('/') ? collection : `${collection}/`;
  return path?.startsWith(folder) === true && path.length > folder.length ? path : null;
};

const SHARD = /^p[0-9]{1,3}-caldav\.icloud\.com$/;

/** The one word of a server that is repeated, and only in this form: it is what the operator has to seal (CAL-21). */
const shardOf = (href: string, base: string): string | null => {
  const host = URL.canParse(href, base) ? new URL(href, base).hostname : '';
  return SHARD.test(host) && /(?:^|[.-])caldav\.icloud\.com$/.test(new URL(base).hostname) ? host : null;
};

/** The path of a link that must be followed to go on. @throws AirlockError UPSTREAM_REFUSED (CAL-2) */
export const requirePath = (href: string, base: string, origin: Origin): string => {
  const path = pathWithin(href, base, origin);
  if (path !== null) return path;
  const shard = shardOf(href, base);
  if (shard === null)
    throw upstreamError(
      'other',
      'the server names a place outside of what was sealed',
      'add the service again with the address of the calendar itself',
    );
  throw upstreamError('other', `this account lives on ${shard}`, `add the service again with --set server=${shard}`);
};
