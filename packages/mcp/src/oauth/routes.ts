/** The sign-in of clients that speak OAuth 2.1: metadata, registration, consent, tokens (docs/spec/mcp-oauth.md). */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseJsonStrict, type Timers } from '@airlock/protocol';
import { loopbackAuthority } from '../net/address.js';
import type { Front } from '../net/admission.js';
import type { RandomBytes } from '../net/bearer.js';
import { serviceOfPath } from '../net/endpoints.js';
import type { SideRoutes } from '../net/http.js';
import type { NetLimits } from '../net/limits.js';
import { refusal } from '../net/refusal.js';
import { Clients } from './clients.js';
import { Consents } from './consents.js';
import { bodyOf, formOf, required, type Fields } from './form.js';
import { Grants, type Tokens } from './grants.js';
import { SCOPE, json, resourceMetadata, serverMetadata } from './metadata.js';
import { errorPage } from './page.js';
import { Pairing } from './pairing.js';
import { OAuthProblem, problemResponse } from './problem.js';

const RESOURCE_PREFIX = '/.well-known/oauth-protected-resource';
/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

export interface OAuthOptions {
  readonly limits: NetLimits;
  readonly timers: Timers;
  readonly random?: RandomBytes | undefined;
  readonly port: () => number;
  readonly say: (line: string) => void;
  readonly recordCode: () => Promise<void>;
  /** Told of a credential that is no longer good. */
  readonly onEnd: (owner: string) => void;
}

export interface OAuth {
  readonly routes: SideRoutes;
  /** Whose token it is, for an endpoint's path; null where it is not good there. */
  readonly ownerOf: (token: string, path: string) => string | null;
}

/** RFC 8707: the endpoint of this server that a resource names. */
const resourcePath = (resource: string, port: number): string => {
  const [, authority, path = ''] = /^http:\/\/([^/?#]+)(\/[^?#]*)$/.exec(resource) ?? [];
  const trimmed = path.replace(/\/$/, '');
  if (loopbackAuthority(authority, port) !== null && serviceOfPath(trimmed) !== null) return trimmed;
  throw new OAuthProblem('invalid_target', 'resource: expected the address of the endpoint, as its metadata has it');
};

const tokenAnswer = ({ access, refresh, expiresInS }: Tokens): Response =>
  json({ access_token: access, token_type: 'Bearer', expires_in: expiresInS, refresh_token: refresh, scope: SCOPE });

const metadataFor = ({ authority, path }: Front): object | null => {
  if (path === '/.well-known/oauth-authorization-server') return serverMetadata(authority);
  const endpoint = path.startsWith(`${RESOURCE_PREFIX}/`) ? path.slice(RESOURCE_PREFIX.length) : '';
  return serviceOfPath(endpoint) === null ? null : resourceMetadata(authority, endpoint);
};

const wrongMethod = (allowed: string): Response =>
  refusal(405, { code: 'METHOD_UNKNOWN', message: 'no such method here', hint: `use ${allowed}` }, { allow: allowed });

class Server {
  readonly grants: Grants;
  readonly consents: Consents;
  readonly clients: Clients;
  readonly #port: () => number;

  constructor(options: OAuthOptions) {
    const { limits, timers, say, recordCode, random = randomBytes } = options;
    this.#port = options.port;
    this.grants = new Grants({ limits, timers, random, onEnd: options.onEnd });
    this.clients = new Clients(limits, random, (id) => this.grants.hasFamily(id));
    const show = (letters: string): void => say(`pairing letters for the sign-in page: ${letters} (once, for five minutes)`);
    const pairing = new Pairing({ limits, timers, random, show });
    const pathOf = (resource: string): string => resourcePath(resource, this.#port());
    const { clients, grants } = this;
    this.consents = new Consents({ clients, grants, pairing, limits, timers, random, pathOf, say, recordCode });
  }

  async register(req: IncomingMessage): Promise<Response> {
    const text = await bodyOf(req, 'application/json');
    const { id, name, redirectUris } = this.clients.register(parsed(text));
    return json(
      {
        client_id: id,
        client_name: name,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        scope: SCOPE,
      },
      201,
    );
  }

  async token(req: IncomingMessage): Promise<Response> {
    const form = await formOf(req);
    const clientId = required(form, 'client_id');
    if (this.clients.find(clientId) === null)
      throw new OAuthProblem('invalid_client', 'the client is not registered here (any more)', 401);
    const path = form.has('resource') ? resourcePath(required(form, 'resource'), this.#port()) : null;
    const grant = required(form, 'grant_type');
    if (grant === 'authorization_code') return tokenAnswer(this.#redeem(form, clientId, path));
    if (grant === 'refresh_token') return tokenAnswer(this.grants.refresh(required(form, 'refresh_token'), clientId, path));
    throw new OAuthProblem('unsupported_grant_type', 'grant_type: expected authorization_code or refresh_token');
  }

  #redeem(form: Fields, clientId: string, path: string | null): Tokens {
    const verifier = required(form, 'code_verifier');
    if (!VERIFIER.test(verifier)) throw new OAuthProblem('invalid_request', 'code_verifier: expected 43 to 128 characters');
    return this.grants.redeem(required(form, 'code'), { clientId, redirectUri: required(form, 'redirect_uri'), verifier, path });
  }
}

const parsed = (text: string): unknown => {
  try {
    return parseJsonStrict(Buffer.from(text));
  } catch {
    throw new OAuthProblem('invalid_client_metadata', 'expected a JSON object');
  }
};

type Route = (server: Server, req: IncomingMessage, front: Front) => Response | Promise<Response>;
const ROUTES: Readonly<Record<string, { readonly method: string; readonly isPage: boolean; readonly run: Route }>> = {
  '/oauth/authorize': { method: 'GET', isPage: true, run: ({ consents }, req, front) => consents.open(req, front) },
  '/oauth/consent': { method: 'POST', isPage: true, run: ({ consents }, req, front) => consents.answer(req, front) },
  '/oauth/register': { method: 'POST', isPage: false, run: (server, req) => server.register(req) },
  '/oauth/token': { method: 'POST', isPage: false, run: (server, req) => server.token(req) },
};

/** The sign-in of one server; all of it is gone when the process ends. */
export const openOAuth = (options: OAuthOptions): OAuth => {
  const server = new Server(options);
  const routes: SideRoutes = async (req, front) => {
    const metadata = metadataFor(front);
    if (metadata !== null) return req.method === 'GET' ? json(metadata) : wrongMethod('GET');
    const route = Object.hasOwn(ROUTES, front.path) ? ROUTES[front.path] : undefined;
    if (route === undefined) return null;
    if (req.method !== route.method) return wrongMethod(route.method);
    try {
      return await route.run(server, req, front);
    } catch (thrown) {
      if (!(thrown instanceof OAuthProblem)) throw thrown;
      return route.isPage ? errorPage(thrown.message, thrown.status) : problemResponse(thrown);
    }
  };
  return { routes, ownerOf: (token, path) => server.grants.ownerOf(token, path) };
};
