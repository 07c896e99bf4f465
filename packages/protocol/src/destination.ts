/**
 * The destination that is sealed with a credential (docs/spec/vault.md): the only origins, or the only path, it may be used for.
 *
 * VAULT-9  two destinations that reach different places never have one digest: hosts are canonical, origins sorted, ports written.
 */
import { isAbsolute, normalize } from 'node:path/posix';
import { pathToFileURL } from 'node:url';
import { digestOf, type Json } from './canonical.js';
import { AirlockError } from './errors.js';
import { canonicalProgram, formatProgram } from './program.js';
import { KIND_PATTERN } from './names.js';

export interface Origin {
  readonly scheme: string;
  /** Lower-case ASCII name, IPv4 in dotted form, or IPv6 in brackets, as a URL parser writes them. */
  readonly host: string;
  readonly port: number;
  /** Lower-case hexadecimal SHA-256 of the certificate's SubjectPublicKeyInfo. */
  readonly tlsPin?: string;
}

export type Destination =
  | { readonly kind: string; readonly origins: readonly Origin[]; readonly user: string }
  | { readonly kind: string; readonly path: string; readonly user: string }
  /** A program of this machine (docs/spec/upstream.md) and the only origins it may reach, none where there are none. */
  | { readonly kind: string; readonly program: string; readonly origins: readonly Origin[]; readonly user: string };

const SCHEME = /^[a-z][a-z0-9+-]{0,15}$/;
const PIN = /^[0-9a-f]{64}$/;
const KIND = new RegExp(KIND_PATTERN);
/** Control characters would let a stored user or path look like another one when it is shown. */
const CONTROL = /\p{Cc}/u;
const MAX_ORIGINS = 8;
const MAX_USER_CHARS = 320;
const MAX_PATH_CHARS = 4096;

const refuse = (message: string, expected: string, found: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, { expected, found: JSON.stringify(found.slice(0, 80)), hint: `write ${expected}` });

const toUrl = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

/** The host as the URL standard writes it for a special scheme (octal and full-width forms resolved), or null. */
const canonicalHost = (host: string): string | null => {
  const url = toUrl(`http://${host}:1/`);
  return url !== null && url.hostname !== '' && url.username === '' && url.pathname === '/' && url.port === '1'
    ? url.hostname
    : null;
};

const isCanonicalOrigin = (origin: Origin): boolean =>
  SCHEME.test(origin.scheme) &&
  origin.host.length <= 253 &&
  canonicalHost(origin.host) === origin.host &&
  Number.isInteger(origin.port) &&
  origin.port >= 1 &&
  origin.port <= 65_535 &&
  (origin.tlsPin === undefined || PIN.test(origin.tlsPin));

/** `imaps://host:port`. The pin is no part of the text. */
export const formatOrigin = ({ scheme, host, port }: Origin): string => `${scheme}://${host}:${port}`;

/**
 * Reads `scheme://host:port`; the port is always written, nothing may follow it.
 * @throws AirlockError PARAMS_INVALID; `expected` shows the canonical form where there is one.
 */
export const parseOrigin = (text: string, tlsPin?: string): Origin => {
  const [, scheme = '', host = '', port = ''] = /^([^:]+):\/\/(.+):([0-9]{1,5})$/.exec(text) ?? [];
  const canonical = canonicalHost(host) ?? 'host';
  const origin: Origin = { scheme, host, port: Number(port), ...(tlsPin === undefined ? {} : { tlsPin }) };
  if (isCanonicalOrigin(origin) && formatOrigin(origin) === text) return origin;
  throw refuse(
    'an origin is not of the form scheme://host:port',
    `${scheme === '' ? 'imaps' : scheme.toLowerCase()}://${canonical}:port`,
    text,
  );
};

/** An absolute path without `.`, `..`, doubled or trailing slashes, NUL or control characters. */
const isCanonicalPath = (path: string): boolean =>
  isAbsolute(path) &&
  normalize(path) === path &&
  path.length <= MAX_PATH_CHARS &&
  !CONTROL.test(path) &&
  path.isWellFormed() &&
  (path === '/' || !path.endsWith('/'));

/** Reads `file:///abs/path` with the percent-encoding of the URL standard. @throws AirlockError PARAMS_INVALID */
export const parsePathOrigin = (text: string): string => {
  const url = toUrl(text);
  const encoded = url !== null && url.protocol === 'file:' ? url.pathname : '';
  const path = /%(?![0-9A-Fa-f]{2})/.test(encoded)
    ? ''
    : Buffer.from(
        encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
        'latin1',
      ).toString('utf8');
  if (isCanonicalPath(path) && pathToFileURL(path).href === text) return path;
  throw refuse('a path is not of the form file:///abs/path', 'file:///abs/path, normalised', text);
};

const compareOrigins = (a: Origin, b: Origin): number => {
  const [left, right] = [a, b].map((origin) => `${formatOrigin(origin)} ${origin.tlsPin ?? ''}`) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
};

const canonicalOrigins = (origins: readonly Origin[], least: number): Origin[] => {
  if (origins.length < least || origins.length > MAX_ORIGINS)
    throw refuse('a destination has the wrong number of origins', `${least} to ${MAX_ORIGINS} origins`, String(origins.length));
  for (const origin of origins)
    if (!isCanonicalOrigin(origin))
      throw refuse('an origin is not canonical', 'a lower-case host and a port', formatOrigin(origin));
  const sorted = origins
    .map(({ scheme, host, port, tlsPin }) => ({ scheme, host, port, ...(tlsPin === undefined ? {} : { tlsPin }) }))
    .sort(compareOrigins);
  if (sorted.some((origin, index) => index > 0 && formatOrigin(origin) === formatOrigin(sorted[index - 1] ?? origin)))
    throw refuse('an origin stands there twice', 'each origin once', sorted.map(formatOrigin).join(' '));
  return sorted;
};

/**
 * The one form of a destination: known keys only, origins sorted. `user` is the empty string where there is none.
 * @throws AirlockError PARAMS_INVALID
 */
export const canonicalDestination = (destination: Destination): Destination => {
  const { kind, user } = destination;
  if (!KIND.test(kind)) throw refuse('a kind is not a name', 'lower-case letters, digits and dashes', kind);
  if (user.length > MAX_USER_CHARS || CONTROL.test(user) || !user.isWellFormed())
    throw refuse(
      'a user has a form that cannot be sealed',
      'at most 320 characters, none a control character',
      user.toWellFormed(),
    );
  if ('path' in destination && ('origins' in destination || 'program' in destination))
    throw refuse('a destination has a path and another place', 'one of the two', kind);
  if ('program' in destination) {
    const { program, origins } = destination;
    return { kind, origins: canonicalOrigins(origins, 0), program: canonicalProgram(program), user };
  }
  if ('origins' in destination) return { kind, origins: canonicalOrigins(destination.origins, 1), user };
  if (!isCanonicalPath(destination.path))
    throw refuse('a path is not canonical', 'a normalised absolute path', destination.path.toWellFormed());
  return { kind, path: destination.path, user };
};

/** Lower-case hexadecimal SHA-256 of the canonical JSON of the canonical form. @throws AirlockError PARAMS_INVALID */
export const destinationDigest = (destination: Destination): string =>
  digestOf(canonicalDestination(destination) as unknown as Json);

const placesOf = (destination: Extract<Destination, { origins: readonly Origin[] }>): string => {
  const origins = destination.origins.map(formatOrigin).join(', ');
  if (!('program' in destination)) return origins;
  return `${formatProgram(destination.program)} (network: ${origins === '' ? 'none' : origins})`;
};

/** As people read it: `imaps://imap.gmail.com:993 as ada@example.org`, or `file:///srv/mail`. */
export const formatDestination = (destination: Destination): string => {
  const where = 'path' in destination ? `file://${destination.path}` : placesOf(destination);
  return destination.user === '' ? where : `${where} as ${destination.user}`;
};
