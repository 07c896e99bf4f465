/**
 * Clients that registered themselves (RFC 7591): a name nobody vouches for, and where their codes may be sent.
 *
 * OAUTH-2 a redirect goes to a loopback address over http and nowhere else; it is the registered one but for its port
 *         (RFC 8252 §7.3).
 */
import type { RandomBytes } from '../net/bearer.js';
import type { NetLimits } from '../net/limits.js';
import { OAuthProblem } from './problem.js';
import { newId } from './secrets.js';

/** Read as text: a URL parser repairs what must be refused (`127.1`, backslashes, user names, tabs). */
const LOOPBACK_URI = /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[1-9]\d{0,4})?(?:[/?][!-"$-[\]-~]*)?$/;
const PORT = /^(http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])):\d+/;
const MAX_URI_CHARS = 512;
const MAX_NAME_CHARS = 80;
/** Control, format and other characters that show nothing or move what is shown. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

export interface OAuthClient {
  readonly id: string;
  /** As it calls itself, made harmless for a terminal and a page. */
  readonly name: string;
  readonly redirectUris: readonly string[];
}

const isRedirectUri = (uri: unknown): uri is string =>
  typeof uri === 'string' && uri.length <= MAX_URI_CHARS && LOOPBACK_URI.test(uri) && URL.canParse(uri);

const withoutPort = (uri: string): string => uri.replace(PORT, '$1');

/** OAUTH-2. */
export const isRegistered = ({ redirectUris }: OAuthClient, uri: string): boolean =>
  isRedirectUri(uri) && redirectUris.some((one) => withoutPort(one) === withoutPort(uri));

export const harmless = (text: string): string =>
  text.replaceAll(HIDDEN, '\uFFFD').toWellFormed().slice(0, MAX_NAME_CHARS).toWellFormed();

const nameOf = (name: unknown): string => {
  if (name === undefined) return 'a client without a name';
  if (typeof name === 'string' && name.trim() !== '') return harmless(name);
  throw new OAuthProblem('invalid_client_metadata', 'client_name: expected a text');
};

export class Clients {
  readonly #clients = new Map<string, OAuthClient>();
  readonly #limits: Pick<NetLimits, 'clients' | 'redirectUris'>;
  readonly #random: RandomBytes;
  /** Says whether a client is signed in and so has to stay. */
  readonly #isInUse: (id: string) => boolean;

  constructor(limits: Pick<NetLimits, 'clients' | 'redirectUris'>, random: RandomBytes, isInUse: (id: string) => boolean) {
    this.#limits = limits;
    this.#random = random;
    this.#isInUse = isInUse;
  }

  /** @throws OAuthProblem invalid_redirect_uri, invalid_client_metadata, temporarily_unavailable */
  register(metadata: unknown): OAuthClient {
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
      throw new OAuthProblem('invalid_client_metadata', 'expected a JSON object');
    }
    const { redirect_uris: uris, client_name: name } = metadata as Readonly<Record<string, unknown>>;
    const isList = Array.isArray(uris) && uris.length >= 1 && uris.length <= this.#limits.redirectUris;
    if (!isList || !uris.every(isRedirectUri)) {
      const expected = `1 to ${this.#limits.redirectUris} of http://127.0.0.1, http://localhost or http://[::1], with a path and no fragment`;
      throw new OAuthProblem('invalid_redirect_uri', `redirect_uris: expected ${expected}`);
    }
    const client = { id: newId(this.#random), name: nameOf(name), redirectUris: uris };
    this.#makeRoom();
    this.#clients.set(client.id, client);
    return client;
  }

  find(id: string): OAuthClient | null {
    return this.#clients.get(id) ?? null;
  }

  #makeRoom(): void {
    if (this.#clients.size < this.#limits.clients) return;
    const unused = [...this.#clients.keys()].find((id) => !this.#isInUse(id));
    if (unused === undefined) throw new OAuthProblem('temporarily_unavailable', 'too many clients are signed in', 503);
    this.#clients.delete(unused);
  }
}
