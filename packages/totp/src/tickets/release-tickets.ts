/** RELEASE-1: tickets a cell gets its key with: 32 random bytes, good once, for 10 s, in memory only, kept by digest. */
import { AirlockError, encodeBase64url, sha256Hex, type ApprovedOperation } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import type { Random } from '../state/random.js';

export interface ReleaseTicket {
  readonly operator: string;
  readonly service: string;
  /** Id of the lease; null: a trial (RELEASE-11). */
  readonly lease: string | null;
  /** The one operation it is for (OPERATION-5). */
  readonly approved?: ApprovedOperation;
}

interface Held extends ReleaseTicket {
  readonly endsBootMs: number;
}

const TICKET_BYTES = 32;

export class ReleaseTickets {
  readonly #held = new Map<string, Held>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns the ticket in base64url. @throws AirlockError UNAVAILABLE where too many are unused. */
  issue(ticket: ReleaseTicket, bootMs: number): string {
    this.sweep(bootMs);
    if (this.#held.size >= TOTP_LIMITS.maxReleaseTickets)
      throw new AirlockError('UNAVAILABLE', 'too many release tickets are unused');
    const bytes = this.#random.bytes(TICKET_BYTES);
    this.#held.set(sha256Hex(bytes), { ...ticket, endsBootMs: bootMs + TOTP_LIMITS.releaseTicketTtlMs });
    return encodeBase64url(bytes);
  }

  /** Uses the ticket up. @throws AirlockError NOT_AUTHENTICATED for one that is unknown, used or over. */
  use(bytes: Uint8Array, bootMs: number): ReleaseTicket {
    this.sweep(bootMs);
    const digest = sha256Hex(bytes);
    const held = this.#held.get(digest);
    this.#held.delete(digest);
    if (held === undefined) {
      throw new AirlockError('NOT_AUTHENTICATED', 'the release ticket is not known, used or over', {
        hint: 'ask for a new ticket',
      });
    }
    return held;
  }

  sweep(bootMs: number): void {
    for (const [digest, held] of this.#held) if (bootMs >= held.endsBootMs) this.#held.delete(digest);
  }
}
