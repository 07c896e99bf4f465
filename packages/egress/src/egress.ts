/**
 * The HTTP client: checks the request, asks, follows what may be followed.
 *
 * EGRESS-16  A tunnel leads to a sealed origin, through the same guard.
 * EGRESS-15  A PUT leaves once, over a connection of its own, and follows no redirect.
 */
import type { Socket } from 'node:net';
import { AirlockError, formatOrigin, type Origin } from '@airlock/protocol';
import { isNearby } from './address.js';
import { ACCEPT_ENCODING } from './body.js';
import { Connections, type Connection, type Dialling } from './connections.js';
import { dialPlain, systemResolve } from './dial.js';
import { abortError, closed, outcomeUnknown, refused, timedOut } from './errors.js';
import { exchange, ExchangeFailure, failureError, type Answer, type Asked } from './exchange.js';
import { EGRESS_LIMITS } from './limits.js';
import { isRedirect, redirectMethod, redirectTarget, targetOf, type Target } from './target.js';
import type { Egress, EgressLimits, EgressMethod, EgressOptions, EgressRequest, EgressResponse, TunnelOptions } from './types.js';

/** These say how the message is framed and where it goes; a caller that sets them could smuggle a second request. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
]);
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** RFC 9110 §5.6.2 and §5.5. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Names in lower case. @throws AirlockError PARAMS_INVALID (EGRESS-12) */
const checkHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  const checked: Record<string, string> = {};
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value) || OWN_HEADERS.has(name) || name in checked) {
      throw new AirlockError('PARAMS_INVALID', 'a header that cannot be sent', { found: JSON.stringify(given.slice(0, 64)) });
    }
    checked[name] = value;
  }
  return checked;
};

/** EGRESS-13. @throws AirlockError UPSTREAM_REFUSED (cleartext) */
const checkCleartext = ({ scheme, host }: Origin, { headers = {}, secret }: EgressRequest): void => {
  const isSecret = secret === true || Object.keys(headers).some((name) => CREDENTIAL_HEADERS.has(name));
  if (isSecret && scheme === 'http' && !isNearby(host)) throw refused('cleartext');
};

const checkOrigins = (origins: readonly Origin[]): readonly Origin[] => {
  const stray = origins.find(({ scheme, tlsPin }) => scheme !== 'https' && (scheme !== 'http' || tlsPin !== undefined));
  if (origins.length > 0 && stray === undefined) return origins;
  throw new AirlockError('CONFIG_INVALID', 'the sealed origins are no HTTP servers', {
    expected: 'https://HOST:PORT, or http://HOST:PORT without a TLS pin',
    ...(stray === undefined ? {} : { found: formatOrigin(stray) }),
  });
};

/** A signal that ends with the caller's, or after the total time. */
const withTotalTimeout = (
  given: AbortSignal | undefined,
  totalMs: number,
): { readonly signal: AbortSignal; readonly release: () => void } => {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(given === undefined ? undefined : abortError(given));
  const timer = setTimeout(() => controller.abort(timedOut('total')), totalMs);
  given?.addEventListener('abort', onAbort, { once: true });
  if (given?.aborted === true) onAbort();
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      given?.removeEventListener('abort', onAbort);
    },
  };
};

/** A server may close an idle connection at the moment it is used again (RFC 9112 §9.3.1). Our own refusals are final. */
const isStale = (thrown: unknown): boolean =>
  thrown instanceof ExchangeFailure && thrown.isSilent && !(thrown.thrown instanceof AirlockError);

/** EGRESS-15: from the first byte that may have left, nobody knows. */
const asUnknown = (thrown: unknown): unknown => (thrown instanceof ExchangeFailure && thrown.hasLeft ? outcomeUnknown() : thrown);

class GuardedEgress implements Egress {
  readonly #origins: readonly Origin[];
  readonly #limits: EgressLimits;
  readonly #dialling: Dialling;
  readonly #connections: Connections;
  #isClosed = false;

  constructor({ origins, limits, resolve, ca }: EgressOptions) {
    this.#origins = checkOrigins(origins);
    this.#limits = { ...EGRESS_LIMITS, ...limits };
    this.#dialling = { resolve: resolve ?? systemResolve, ca: ca ?? [] };
    this.#connections = new Connections(this.#limits, this.#dialling);
  }

  async request(request: EgressRequest): Promise<EgressResponse> {
    if (this.#isClosed) throw closed();
    const target = targetOf(request.url, this.#origins);
    const headers = checkHeaders(request.headers ?? {});
    const { signal, release } = withTotalTimeout(request.signal, this.#limits.totalTimeoutMs);
    try {
      return await this.#follow(target, { ...request, headers, signal });
    } catch (thrown) {
      await this.#connections.closeIdle();
      throw failureError(thrown);
    } finally {
      release();
    }
  }

  /** EGRESS-16. */
  async tunnel(origin: Origin, { signal, secret }: TunnelOptions): Promise<Socket> {
    if (this.#isClosed) throw closed();
    const { origin: sealed } = targetOf(`${formatOrigin(origin)}/`, this.#origins);
    checkCleartext(sealed, { method: 'GET', url: '', secret });
    return dialPlain(sealed, { ...this.#dialling, connectTimeoutMs: this.#limits.connectTimeoutMs, signal });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connections.close();
  }

  async #follow(first: Target, request: EgressRequest & { readonly signal: AbortSignal }): Promise<EgressResponse> {
    let target = first;
    let { method, body } = request;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#ask(target, method, body, request);
      const { location } = answer.headers;
      if (!isRedirect(answer.status, location)) return { ...answer, url: target.url.href };
      if (method === 'PUT') throw refused('redirect_refused');
      if (redirects === this.#limits.maxRedirects) throw refused('too_many_redirects');
      target = redirectTarget(target, location, this.#origins);
      const kept: EgressMethod = redirectMethod(method, answer.status);
      if (kept !== method) body = undefined;
      method = kept;
    }
  }

  async #ask(
    { origin, url }: Target,
    method: EgressMethod,
    body: EgressRequest['body'],
    request: EgressRequest & { readonly signal: AbortSignal },
  ): Promise<Answer> {
    checkCleartext(origin, request);
    const { headers, signal } = request;
    const own = { ...headers, host: url.host, 'accept-encoding': ACCEPT_ENCODING };
    const path = `${url.pathname}${url.search}`;
    const asked: Asked = { method, path, headers: own, body, signal, limits: this.#limits, receive: request.receive };
    // What waited may be half dead: a PUT over it could leave and be lost.
    const connection = this.#connections.take(origin, method === 'PUT');
    try {
      return await this.#over(connection, asked);
    } catch (thrown) {
      if (method === 'PUT') throw asUnknown(thrown);
      if (!connection.isUsed || method === 'POST' || !isStale(thrown)) throw thrown;
      return await this.#over(this.#connections.take(origin, true), asked);
    }
  }

  async #over(connection: Connection, asked: Asked): Promise<Answer> {
    try {
      const answer = await exchange(connection.client, asked);
      this.#connections.giveBack(connection);
      return answer;
    } catch (thrown) {
      await this.#connections.drop(connection);
      throw thrown;
    }
  }
}

/**
 * Opens the client for the sealed origins. No proxy is used, whatever the environment says.
 * @throws AirlockError CONFIG_INVALID where an origin is not one of HTTP.
 */
export const openEgress = (options: EgressOptions): Egress => new GuardedEgress(options);
