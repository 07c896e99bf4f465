/** A browser's part of a sign-in, and the official client's provider with a memory. */
import type { OAuthClientInformationMixed, OAuthClientProvider, OAuthTokens } from '@modelcontextprotocol/client';
import { raw, type RawResponse } from './network.js';

export const REDIRECT = 'http://127.0.0.1:9/callback';
/** RFC 7636, Appendix B. */
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** What the terminal shows. */
export class Terminal {
  readonly lines: string[] = [];
  readonly say = (line: string): void => void this.lines.push(line);

  /** The letters printed last. */
  get letters(): string {
    return /: ([A-Z]{4}-[A-Z]{4}) /.exec(this.lines.findLast((line) => line.includes('pairing letters')) ?? '')?.[1] ?? '';
  }

  get count(): number {
    return this.lines.filter((line) => line.includes('pairing letters')).length;
  }
}

export interface Page {
  readonly transaction: string;
  readonly cookie: string;
  readonly answer: RawResponse;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export const register = async (
  port: number,
  metadata: object = { redirect_uris: [REDIRECT], client_name: 'test' },
): Promise<string> => {
  const { json } = await raw(port, {
    path: '/oauth/register',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });
  return (json as { client_id?: string }).client_id ?? '';
};

export const authorizePath = (port: number, clientId: string, more: Record<string, string | undefined> = {}): string => {
  const params: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    resource: `http://127.0.0.1:${port}/mcp`,
    state: 's1',
    ...more,
  };
  const kept = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/oauth/authorize?${new URLSearchParams(kept).toString()}`;
};

export const openPage = async (port: number, path: string, headers: Record<string, string> = {}): Promise<Page> => {
  const answer = await raw(port, { method: 'GET', path, headers });
  const transaction = /name="transaction" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  return { transaction, cookie, answer };
};

/** What a browser sends when the form is submitted. */
export const submit = (
  port: number,
  { transaction, cookie }: Pick<Page, 'transaction' | 'cookie'>,
  pairing: string,
  more: { readonly answer?: string; readonly headers?: Record<string, string> } = {},
): Promise<RawResponse> =>
  raw(port, {
    path: '/oauth/consent',
    headers: { ...FORM, origin: `http://127.0.0.1:${port}`, cookie, ...more.headers },
    body: new URLSearchParams({ transaction, pairing, answer: more.answer ?? 'allow' }).toString(),
  });

export const locationOf = ({ headers }: RawResponse): URLSearchParams => new URL(headers.location ?? 'x:').searchParams;

export const token = (port: number, params: Record<string, string>): Promise<RawResponse> =>
  raw(port, { path: '/oauth/token', headers: FORM, body: new URLSearchParams(params).toString() });

export interface SignedIn {
  readonly clientId: string;
  readonly code: string;
}

/** A whole sign-in up to the code. */
export const signIn = async (port: number, terminal: Terminal, more: Record<string, string> = {}): Promise<SignedIn> => {
  const clientId = await register(port);
  const page = await openPage(port, authorizePath(port, clientId, more));
  const code = locationOf(await submit(port, page, terminal.letters)).get('code') ?? '';
  return { clientId, code };
};

export const redeem = (port: number, { clientId, code }: SignedIn, more: Record<string, string> = {}): Promise<RawResponse> =>
  token(port, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    ...more,
  });

export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

/** The official client's memory; a browser is opened by `openUrl`. */
export class Provider implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadata = { client_name: 'official', redirect_uris: [REDIRECT] };
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  opened: URL | null = null;

  state(): string {
    return 'state-of-the-client';
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  redirectToAuthorization(url: URL): void {
    this.opened = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }
}
