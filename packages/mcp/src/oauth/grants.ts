/**
 * Authorization codes and the tokens that come of them; all in memory, all as digests.
 *
 * OAUTH-3 a code is good once, for a minute, with its client, redirect and PKCE verifier (S256); presented again, what
 *         came of it is revoked.
 * OAUTH-4 a refresh token is good once; presented again, its whole family is revoked.
 * OAUTH-5 an access token is good for fifteen minutes, and for the endpoint it was asked for.
 */
import type { Timers } from '@airlock/protocol';
import type { RandomBytes } from '../net/bearer.js';
import type { NetLimits } from '../net/limits.js';
import { OAuthProblem } from './problem.js';
import { challengeOf, digestOf, idOf, isSame, newId, newSecret } from './secrets.js';

/** What was consented to. `path` is that of the endpoint. */
export interface Consent {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly path: string;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly expiresInS: number;
}

interface Code {
  readonly consent: Consent;
  readonly digest: Buffer;
  readonly untilMs: number;
  isUsed: boolean;
  family: string | null;
}

interface Family {
  readonly id: string;
  readonly clientId: string;
  readonly path: string;
  refresh: Buffer;
  access: Buffer;
  accessUntilMs: number;
  untilMs: number;
}

export interface GrantsOptions {
  readonly limits: Pick<NetLimits, 'codeMs' | 'accessMs' | 'refreshMs' | 'families' | 'transactions'>;
  readonly timers: Pick<Timers, 'nowMs'>;
  readonly random: RandomBytes;
  /** Told of a family that ended, by its id. */
  readonly onEnd: (family: string) => void;
}

const ALL = '/mcp';
const invalid = (): OAuthProblem =>
  new OAuthProblem('invalid_grant', 'the code or token is not, or no longer, good: sign in again');

/** A token for everything is good at every endpoint. */
const covers = (granted: string, asked: string): boolean => granted === asked || (granted === ALL && asked.startsWith(`${ALL}/`));

const evictFrom = <T>(map: Map<string, T>, max: number, drop: (id: string) => void): void => {
  const [oldest] = map.keys();
  if (map.size >= max && oldest !== undefined) drop(oldest);
};

export class Grants {
  readonly #options: GrantsOptions;
  readonly #codes = new Map<string, Code>();
  readonly #families = new Map<string, Family>();

  constructor(options: GrantsOptions) {
    this.#options = options;
  }

  hasFamily(clientId: string): boolean {
    return [...this.#families.values()].some((family) => family.clientId === clientId && this.#isLive(family));
  }

  issue(consent: Consent): string {
    const { limits, random, timers } = this.#options;
    evictFrom(this.#codes, limits.transactions, (id) => this.#codes.delete(id));
    const id = newId(random);
    const code = newSecret(id, random);
    const untilMs = timers.nowMs() + limits.codeMs;
    this.#codes.set(id, { consent, digest: digestOf(code), untilMs, isUsed: false, family: null });
    return code;
  }

  /** OAUTH-3. The code is used up before anything else is looked at. @throws OAuthProblem invalid_grant */
  redeem(text: string, proof: { clientId: string; redirectUri: string; verifier: string; path: string | null }): Tokens {
    const code = this.#codes.get(idOf(text) ?? '');
    if (code === undefined || !isSame(text, code.digest)) throw invalid();
    if (code.isUsed) {
      if (code.family !== null) this.revoke(code.family);
      throw invalid();
    }
    code.isUsed = true;
    const { consent } = code;
    const isRight =
      this.#options.timers.nowMs() < code.untilMs &&
      proof.clientId === consent.clientId &&
      proof.redirectUri === consent.redirectUri &&
      isSame(challengeOf(proof.verifier), digestOf(consent.challenge)) &&
      (proof.path === null || proof.path === consent.path);
    if (!isRight) throw invalid();
    const family = this.#begin(consent);
    code.family = family.id;
    return this.#rotate(family);
  }

  /** OAUTH-4. @throws OAuthProblem invalid_grant */
  refresh(text: string, clientId: string, path: string | null): Tokens {
    const family = this.#families.get(idOf(text) ?? '');
    if (family === undefined) throw invalid();
    // Only a holder knows the id: what has it and is not the live token was one before.
    if (!isSame(text, family.refresh) || family.clientId !== clientId || !this.#isLive(family)) {
      this.revoke(family.id);
      throw invalid();
    }
    if (path !== null && path !== family.path) throw invalid();
    return this.#rotate(family);
  }

  /** OAUTH-5: whose token it is, for an endpoint's path; null where it is not good there. */
  ownerOf(text: string, path: string): string | null {
    const family = this.#families.get(idOf(text) ?? '');
    if (family === undefined || !isSame(text, family.access)) return null;
    const isGood = this.#options.timers.nowMs() < family.accessUntilMs && this.#isLive(family) && covers(family.path, path);
    return isGood ? family.id : null;
  }

  revoke(id: string): void {
    if (this.#families.delete(id)) this.#options.onEnd(id);
  }

  #isLive({ untilMs }: Family): boolean {
    return this.#options.timers.nowMs() < untilMs;
  }

  #begin({ clientId, path }: Consent): Family {
    evictFrom(this.#families, this.#options.limits.families, (id) => this.revoke(id));
    const none = Buffer.alloc(32);
    const id = newId(this.#options.random);
    const family = { id, clientId, path, refresh: none, access: none, accessUntilMs: 0, untilMs: 0 };
    this.#families.set(id, family);
    return family;
  }

  #rotate(family: Family): Tokens {
    const { limits, random, timers } = this.#options;
    const access = newSecret(family.id, random);
    const refresh = newSecret(family.id, random);
    family.access = digestOf(access);
    family.refresh = digestOf(refresh);
    family.accessUntilMs = timers.nowMs() + limits.accessMs;
    family.untilMs = timers.nowMs() + limits.refreshMs;
    return { access, refresh, expiresInS: limits.accessMs / 1000 };
  }
}
