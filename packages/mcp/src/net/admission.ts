/**
 * Who gets past the door: the checks every request goes through, in this order, before anything is read or looked up.
 *
 * NET-2, NET-3 names (address.ts). NET-4 a token is taken from the Authorization header alone, never from a query.
 */
import type { IncomingMessage } from 'node:http';
import { isLoopbackOrigin, loopbackAuthority } from './address.js';
import { bearerOf } from './bearer.js';
import { headerValues } from './node-http.js';
import { refusal } from './refusal.js';

/** A request for one of this server's names. */
export interface Front {
  /** The server's name as the client calls it, with port. */
  readonly authority: string;
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

/** Names the credential of a token, for the endpoint of a path; null where it is none. */
export type Authenticate = (token: string, path: string) => string | null;

const badTarget = (): Response =>
  refusal(400, { code: 'FRAME_INVALID', message: 'the request target is no path', hint: 'ask for /mcp or /mcp/SERVICE' });

const foreignName = (what: string, expected: string): Response =>
  refusal(403, {
    code: 'BLOCKED',
    message: `${what} is not allowed here`,
    expected,
    hint: 'only programs of this machine may connect',
  });

/** The checks of names. */
export const checkFront = (req: IncomingMessage, port: number): Front | Response => {
  const { url = '' } = req;
  const hosts = headerValues(req, 'host');
  const authority = hosts.length === 1 ? loopbackAuthority(hosts[0], port) : null;
  if (authority === null) return foreignName('this Host header', `127.0.0.1:${port}, localhost:${port} or [::1]:${port}, once`);
  if (!headerValues(req, 'origin').every(isLoopbackOrigin))
    return foreignName('this Origin', 'no Origin header, or a loopback one');
  if (!url.startsWith('/') || url.startsWith('//')) return badTarget();
  const at = url.indexOf('?');
  return { authority, path: at < 0 ? url : url.slice(0, at), query: at < 0 ? '' : url.slice(at) };
};

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '')}"`;

/** NET-5: RFC 9728 §5.1, so that a client finds out how to sign in. */
const unauthorized = ({ authority, path }: Front, isWrong: boolean): Response => {
  const metadata = `http://${authority}/.well-known/oauth-protected-resource${path}`;
  const challenge = [`resource_metadata=${quoted(metadata)}`, ...(isWrong ? ['error="invalid_token"'] : [])].join(', ');
  return refusal(
    401,
    {
      code: 'NOT_AUTHENTICATED',
      message: isWrong ? 'the bearer token is not, or no longer, good' : 'a bearer token is needed',
      hint: 'send "Authorization: Bearer TOKEN" with the token of the file that airlock mcp named at its start, or sign in',
    },
    { 'www-authenticate': `Bearer realm="airlock", ${challenge}` },
  );
};

/** The credential of a request for an endpoint. */
export const checkBearer = (
  req: IncomingMessage,
  front: Front,
  authenticate: Authenticate,
): { readonly owner: string } | Response => {
  const headers = headerValues(req, 'authorization');
  const token = headers.length === 1 ? bearerOf(headers[0] ?? '') : null;
  const owner = token === null ? null : authenticate(token, front.path);
  if (owner === null) return unauthorized(front, headers.length > 0);
  if (front.query === '') return { owner };
  return refusal(400, {
    code: 'PARAMS_INVALID',
    message: 'an endpoint takes no query',
    hint: 'leave it out; a token belongs in the Authorization header, as what stands in an address ends in logs',
  });
};
