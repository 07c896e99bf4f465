/**
 * From an authorization request to a code: the page, what is typed into it, and back to the client.
 *
 * OAUTH-6 the page has no script, is in no frame, and its form counts only from itself: the Origin is this server's, the
 *         cookie that came with the page is there, and the transaction is one that was opened.
 * OAUTH-7 a code of Airlock is never asked for; what looks like one is refused and recorded.
 */
import type { IncomingMessage } from 'node:http';
import type { Timers } from '@airlock/protocol';
import { refuseCodes } from '../code-guard.js';
import type { Front } from '../net/admission.js';
import type { RandomBytes } from '../net/bearer.js';
import type { NetLimits } from '../net/limits.js';
import { headerValues } from '../net/node-http.js';
import { isRegistered, type Clients, type OAuthClient } from './clients.js';
import { fieldsOf, formOf, required, type Fields } from './form.js';
import type { Consent, Grants } from './grants.js';
import { consentPage, errorPage, redirect } from './page.js';
import type { Pairing } from './pairing.js';
import { OAuthProblem } from './problem.js';
import { digestOf, isSame, newId, newSecret } from './secrets.js';

/** RFC 7636 §4.2: 32 bytes as base64url. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const PATH = '/oauth/consent';

interface Transaction {
  readonly client: OAuthClient;
  readonly consent: Consent;
  readonly state: string | null;
  readonly authority: string;
  readonly cookie: Buffer;
  readonly untilMs: number;
}

export interface ConsentsOptions {
  readonly clients: Clients;
  readonly grants: Grants;
  readonly pairing: Pairing;
  readonly limits: Pick<NetLimits, 'transactions' | 'transactionMs'>;
  readonly timers: Pick<Timers, 'nowMs'>;
  readonly random: RandomBytes;
  /** The path of an endpoint a resource names. @throws OAuthProblem invalid_target */
  readonly pathOf: (resource: string) => string;
  /** Shows a line to the human at the terminal. */
  readonly say: (line: string) => void;
  /** Has the gateway record that a code was tried here. */
  readonly recordCode: () => Promise<void>;
}

/** One for each page, so that two sign-ins at a time do not end each other. */
const cookieName = (transaction: string): string => `airlock-${transaction}`;

const cookieOf = (req: IncomingMessage, transaction: string): string => {
  const prefix = `${cookieName(transaction)}=`;
  const found = headerValues(req, 'cookie').flatMap((value) => value.split(';').map((one) => one.trim()));
  return found.find((one) => one.startsWith(prefix))?.slice(prefix.length) ?? '';
};

/** A page in a frame says so, in browsers that do. */
const isFramed = (req: IncomingMessage): boolean => headerValues(req, 'sec-fetch-dest').some((value) => value !== 'document');

const CLOSED = 'Too many wrong pairing letters were typed. Signing in is off for an hour; the token file still works.';

export class Consents {
  readonly #options: ConsentsOptions;
  readonly #transactions = new Map<string, Transaction>();

  constructor(options: ConsentsOptions) {
    this.#options = options;
  }

  /** GET /oauth/authorize. Before client and redirect are known to be good, nobody is redirected. */
  open(req: IncomingMessage, { authority, query }: Front): Response {
    if (isFramed(req)) return errorPage('Open this page by itself, in no frame.');
    const fields = fieldsOf(query.slice(1));
    const client = this.#options.clients.find(required(fields, 'client_id'));
    if (client === null) return errorPage('The client is not registered here (any more). Let it sign in anew.');
    const redirectUri = required(fields, 'redirect_uri');
    if (!isRegistered(client, redirectUri)) return errorPage('The client did not register this redirect.');
    const state = fields.get('state') ?? null;
    try {
      return this.#begin({ client, state, authority, consent: this.#consentOf(fields, client, redirectUri) });
    } catch (thrown) {
      if (!(thrown instanceof OAuthProblem)) throw thrown;
      const { code, message } = thrown;
      return redirect(redirectUri, { error: code, error_description: message, state, iss: `http://${authority}` });
    }
  }

  /** POST /oauth/consent. */
  async answer(req: IncomingMessage, front: Front): Promise<Response> {
    const { authority } = front;
    const origins = headerValues(req, 'origin');
    const form = await formOf(req);
    const id = form.get('transaction') ?? '';
    const transaction = this.#transactions.get(id);
    const isOwn =
      origins.length === 1 &&
      origins[0] === `http://${authority}` &&
      transaction !== undefined &&
      transaction.authority === authority &&
      this.#options.timers.nowMs() < transaction.untilMs &&
      isSame(cookieOf(req, id), transaction.cookie);
    if (!isOwn) return errorPage('This form was not opened here, or is too old. Let the client sign in anew.', 403);
    return this.#decide(id, transaction, form);
  }

  #consentOf(fields: Fields, client: OAuthClient, redirectUri: string): Consent {
    if (fields.get('response_type') !== 'code')
      throw new OAuthProblem('unsupported_response_type', 'response_type: expected code');
    const challenge = fields.get('code_challenge') ?? '';
    if (fields.get('code_challenge_method') !== 'S256' || !CHALLENGE.test(challenge)) {
      throw new OAuthProblem(
        'invalid_request',
        'PKCE is needed: code_challenge_method S256 with a code_challenge of 43 characters',
      );
    }
    return { clientId: client.id, redirectUri, challenge, path: this.#options.pathOf(fields.get('resource') ?? '') };
  }

  #begin(begun: Omit<Transaction, 'cookie' | 'untilMs'>): Response {
    const { limits, timers, random, pairing, say } = this.#options;
    if (pairing.isClosed) throw new OAuthProblem('temporarily_unavailable', CLOSED);
    const [oldest] = this.#transactions.keys();
    if (this.#transactions.size >= limits.transactions && oldest !== undefined) this.#transactions.delete(oldest);
    const id = newId(random);
    const cookie = newSecret(id, random);
    const transaction = { ...begun, cookie: digestOf(cookie), untilMs: timers.nowMs() + limits.transactionMs };
    this.#transactions.set(id, transaction);
    if (pairing.triesLeft === 0) say(`"${begun.client.name}" (so it calls itself) opened the sign-in page`);
    pairing.offer();
    return this.#page(
      id,
      transaction,
      undefined,
      `${cookieName(id)}=${cookie}; Path=${PATH}; Max-Age=${limits.transactionMs / 1000}; HttpOnly; SameSite=Strict`,
    );
  }

  async #decide(id: string, transaction: Transaction, form: Fields): Promise<Response> {
    const { grants, recordCode } = this.#options;
    const { consent, state, authority } = transaction;
    const back = { state, iss: `http://${authority}` };
    if (form.get('answer') !== 'allow') {
      this.#transactions.delete(id);
      return redirect(consent.redirectUri, { error: 'access_denied', error_description: 'the human denied it', ...back });
    }
    const typed = form.get('pairing') ?? '';
    const looksLikeCode = this.#isCode(typed);
    if (looksLikeCode) await recordCode();
    if (this.#options.pairing.check(typed)) {
      this.#transactions.delete(id);
      return redirect(consent.redirectUri, { code: grants.issue(consent), ...back });
    }
    return this.#again(id, transaction, looksLikeCode);
  }

  /** OAUTH-7. */
  #isCode(typed: string): boolean {
    try {
      refuseCodes({ pairing: typed });
      return false;
    } catch {
      return true;
    }
  }

  #again(id: string, transaction: Transaction, looksLikeCode: boolean): Response {
    const { pairing } = this.#options;
    if (pairing.isClosed) {
      this.#transactions.delete(id);
      return errorPage(CLOSED, 429);
    }
    const left = pairing.triesLeft;
    pairing.offer();
    const what = looksLikeCode
      ? 'That looks like a one-time code. It never belongs here, was not used, and the attempt was recorded.'
      : 'These are not the pairing letters.';
    const next = left === 0 ? 'New ones stand on the terminal.' : `Tries left: ${left}.`;
    return this.#page(id, transaction, `${what} ${next}`);
  }

  #page(id: string, { client, consent, authority }: Transaction, problem: string | undefined, cookie?: string): Response {
    const resource = `http://${authority}${consent.path}`;
    const { redirectUri } = consent;
    return consentPage({ clientName: client.name, redirectUri, resource, transaction: id, problem }, cookie);
  }
}
