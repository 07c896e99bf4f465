/**
 * Tickets of approved actions (QUEUE-11): 32 random bytes, bound to operator, verb, parameters and connection, each
 * right once a try, 120 s. In memory only, so a restart ends them; kept by digest, so that no look-up compares secrets.
 */
import { ACTION_RIGHTS, AirlockError, encodeBase64url, sha256Hex, type Action } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import type { Random } from '../state/random.js';

/** `reset`: begins the enrolment of another phone (approval.md "Enrolment and recovery"). `restore`: puts a backup over what is there. */
export type Right = 'seal' | 'redeem' | 'trial' | 'open' | 'reset' | 'restore';

/** A connection, as far as tickets care: the same object or not. */
export type Opener = object;

export interface ActionTicket {
  readonly operator: string;
  readonly action: Action;
  readonly request: string;
  readonly opener: Opener;
  readonly endsWallMs: number;
  readonly endsBootMs: number;
}

interface Held extends ActionTicket {
  readonly rights: Set<Right>;
  /** Logins that may be tried under it yet, the first included. */
  tries: number;
}

interface Instant {
  readonly wallMs: number;
  readonly bootMs: number;
}

const TICKET_BYTES = 32;

const TRIED: ReadonlySet<Action['verb']> = new Set<Action['verb']>(['service.add', 'credentials.add']);

const triesOf = (action: Action): number =>
  TRIED.has(action.verb) && 'test' in action.params && action.params.test ? TOTP_LIMITS.ticketTries : 1;

const rightsOf = (action: Action): Set<Right> => {
  if (action.verb === 'totp.reset') return new Set<Right>(['reset']);
  if (action.verb === 'restore') return new Set<Right>(['restore']);
  const rights = new Set<Right>(ACTION_RIGHTS[action.verb]);
  // The operator was shown "stored without trying": then nothing is tried.
  if ('test' in action.params && !action.params.test) rights.delete('trial');
  return rights;
};

/** A try that was redeemed opens the next one: a new record first, and only then what carries it out. */
const openNextTry = (held: Held, used: Right): void => {
  if (used === 'redeem' && held.tries > 1) {
    held.tries -= 1;
    held.rights.add('seal');
  } else if (used === 'seal' && held.tries < triesOf(held.action)) {
    held.rights.add('redeem').add('trial');
  }
};

const refused = (problem: string): AirlockError =>
  new AirlockError('NOT_AUTHENTICATED', `the ticket ${problem}`, { hint: 'start the command again and approve it again' });

export class ActionTickets {
  readonly #held = new Map<string, Held>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns the ticket in base64url, or null where the verb has no rights left to a ticket. */
  issue(
    operator: string,
    action: Action,
    request: string,
    opener: Opener,
    now: Instant,
    ttlMs: number = TOTP_LIMITS.ticketTtlMs,
  ): string | null {
    const rights = rightsOf(action);
    if (rights.size === 0) return null;
    const bytes = this.#random.bytes(TICKET_BYTES);
    const ends = { endsWallMs: now.wallMs + ttlMs, endsBootMs: now.bootMs + ttlMs };
    this.#held.set(sha256Hex(bytes), { operator, action, request, opener, rights, tries: triesOf(action), ...ends });
    return encodeBase64url(bytes);
  }

  /**
   * Uses one right up.
   * @param opener the connection it must have been opened by; null where the gateway redeems.
   * @throws AirlockError NOT_AUTHENTICATED for a ticket that is unknown, over, another's, or has not this right any more.
   */
  use(ticket: Uint8Array, right: Right, operator: string, opener: Opener | null, now: Instant): ActionTicket {
    this.sweep(now);
    const held = this.#held.get(sha256Hex(ticket));
    if (held?.operator !== operator) throw refused('is not known or has ended');
    if (opener !== null && held.opener !== opener) throw refused('belongs to another connection');
    if (!held.rights.delete(right)) throw refused(`has no right to ${right}, or used it up`);
    openNextTry(held, right);
    return held;
  }

  /** The right that goes with one just used, if it is still there. */
  takeAlso(ticket: Uint8Array, right: Right): boolean {
    return this.#held.get(sha256Hex(ticket))?.rights.delete(right) === true;
  }

  sweep(now: Instant): void {
    for (const [digest, held] of this.#held) {
      if (now.wallMs >= held.endsWallMs || now.bootMs >= held.endsBootMs) this.#held.delete(digest);
    }
  }

  /** What was tried has been stored: no further try is needed. */
  endTried(operator: string, service: string): void {
    for (const [digest, { operator: owner, action }] of this.#held)
      if (owner === operator && TRIED.has(action.verb) && 'service' in action.params && action.params.service === service)
        this.#held.delete(digest);
  }

  /** The end of a connection ends its tickets. */
  endOf(opener: Opener): void {
    for (const [digest, held] of this.#held) if (held.opener === opener) this.#held.delete(digest);
  }
}
