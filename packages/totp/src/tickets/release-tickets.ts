/**
 * RELEASE-1   tickets a cell gets its key with: 32 random bytes, good once, for 10 s, in memory only, kept by digest.
 * RELEASE-13  for as long after a start, a ticket that nobody here issued may be of the process before: it can be asked for anew.
 */
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
/** By then the gateway has found the new process. */
const RETRY_MS = 1000;

/** Nothing was opened with it, so the call can be made again. */
const restarted = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'airlock-totp was started anew while the service was being opened', {
    hint: 'nothing was done; call again',
    retryAfterMs: RETRY_MS,
  });

export class ReleaseTickets {
  readonly #held = new Map<string, Held>();
  /** Issued since the start, while another ticket could still be of the process before. */
  readonly #issued = new Set<string>();
  readonly #random: Random;
  readonly #settledBootMs: number;

  /** @param startBootMs when this process started */
  constructor(random: Random, startBootMs: number) {
    this.#random = random;
    this.#settledBootMs = startBootMs + TOTP_LIMITS.releaseTicketTtlMs;
  }

  /** @returns the ticket in base64url. @throws AirlockError UNAVAILABLE where too many are unused. */
  issue(ticket: ReleaseTicket, bootMs: number): string {
    this.sweep(bootMs);
    if (this.#held.size >= TOTP_LIMITS.maxReleaseTickets)
      throw new AirlockError('UNAVAILABLE', 'too many release tickets are unused');
    const bytes = this.#random.bytes(TICKET_BYTES);
    const digest = sha256Hex(bytes);
    if (bootMs < this.#settledBootMs) this.#issued.add(digest);
    this.#held.set(digest, { ...ticket, endsBootMs: bootMs + TOTP_LIMITS.releaseTicketTtlMs });
    return encodeBase64url(bytes);
  }

  /**
   * Uses the ticket up.
   * @throws AirlockError NOT_AUTHENTICATED for one that is unknown, used or over; UNAVAILABLE for one that the process before may have issued.
   */
  use(bytes: Uint8Array, bootMs: number): ReleaseTicket {
    this.sweep(bootMs);
    const digest = sha256Hex(bytes);
    const held = this.#held.get(digest);
    this.#held.delete(digest);
    if (held !== undefined) return held;
    if (bootMs < this.#settledBootMs && !this.#issued.has(digest)) throw restarted();
    throw new AirlockError('NOT_AUTHENTICATED', 'the release ticket is not known, used or over', {
      hint: 'ask for a new ticket',
    });
  }

  sweep(bootMs: number): void {
    if (bootMs >= this.#settledBootMs) this.#issued.clear();
    for (const [digest, held] of this.#held) if (bootMs >= held.endsBootMs) this.#held.delete(digest);
  }
}
