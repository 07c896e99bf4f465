/**
 * The leases that live, as airlock-totp's register has them, and why others ended.
 *
 * LEASES-1  what is not in the list of airlock-totp does not live, whatever its text says.
 * LEASES-2  a lease ends at the earlier of its wall-clock expiry and its deadline on boot time.
 * LEASES-3  an ended lease is refused with its own reason: expired, or revoked and released.
 */
import { AirlockError, type Clock, type LeaseEnd, type RegisteredLease } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

const ENDINGS: Readonly<Record<LeaseEnd, () => AirlockError>> = {
  expired: () => new AirlockError('LEASE_EXPIRED', 'the lease has expired'),
  reboot: () => new AirlockError('LEASE_EXPIRED', 'the lease ended when the machine was restarted'),
  revoked: () => new AirlockError('LEASE_REVOKED', 'the operator revoked the lease'),
  renewed: () =>
    new AirlockError('LEASE_REVOKED', 'the lease was replaced when its renewal was delivered', {
      hint: 'use the lease that the renewal gave',
    }),
  released: () => new AirlockError('LEASE_REVOKED', 'the lease was released'),
};

/** What a call with a lease that ended so is answered. */
export const endError = (why: LeaseEnd): AirlockError => ENDINGS[why]();

const isOver = ({ expiresMs, bootDeadlineMs }: RegisteredLease, clock: Clock): boolean =>
  clock.wallMs() >= expiresMs || clock.bootMs() >= bootDeadlineMs;

export class LeaseRegister {
  readonly #clock: Clock;
  readonly #live = new Map<string, RegisteredLease>();
  readonly #ended = new Map<string, LeaseEnd>();
  readonly #announced = new Set<string>();
  readonly #perSession = new Map<string, number>();
  /** Told once of each end, whoever noticed it first. */
  readonly #onEnd: (lease: RegisteredLease, why: LeaseEnd) => void;

  constructor(clock: Clock, onEnd: (lease: RegisteredLease, why: LeaseEnd) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#live.size;
  }

  live(): IterableIterator<RegisteredLease> {
    return this.#live.values();
  }

  ofSession(session: string): RegisteredLease[] {
    return [...this.#live.values()].filter((lease) => lease.session === session);
  }

  hasSession(session: string): boolean {
    return this.#perSession.has(session);
  }

  /** A lease that lives now. */
  find(id: string): RegisteredLease | null {
    const lease = this.#live.get(id);
    if (lease === undefined) return null;
    if (!isOver(lease, this.#clock)) return lease;
    this.end(id, 'expired');
    return null;
  }

  /** Why it does not live. `expiresMs` is what its own text says, for one that was never in the list. */
  whyNot(id: string, expiresMs: number): AirlockError {
    return endError(this.#ended.get(id) ?? (this.#clock.wallMs() >= expiresMs ? 'expired' : 'revoked'));
  }

  add(lease: RegisteredLease): void {
    if (!this.#live.has(lease.id)) this.#perSession.set(lease.session, (this.#perSession.get(lease.session) ?? 0) + 1);
    this.#live.set(lease.id, lease);
    this.#ended.delete(lease.id);
  }

  /** LEASES-1: the list after a reconnect replaces what was known. */
  replace(leases: readonly RegisteredLease[]): void {
    const named = new Set(leases.map(({ id }) => id));
    for (const lease of [...this.#live.values()]) {
      if (!named.has(lease.id)) this.end(lease.id, isOver(lease, this.#clock) ? 'expired' : 'revoked');
    }
    for (const lease of leases) this.add(lease);
  }

  /** PRESENCE-3: what writes or sends out under these needs an approval of its own from now on. */
  mark(ids: readonly string[]): void {
    for (const id of ids) {
      const lease = this.#live.get(id);
      if (lease !== undefined) this.#live.set(id, { ...lease, stepUp: true });
    }
  }

  end(id: string, why: LeaseEnd): void {
    const lease = this.#live.get(id);
    if (lease === undefined) return;
    this.#live.delete(id);
    this.#announced.delete(id);
    const count = this.#perSession.get(lease.session);
    if (count === undefined || count === 1) this.#perSession.delete(lease.session);
    else this.#perSession.set(lease.session, count - 1);
    this.#ended.set(id, why);
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > GATEWAY_LIMITS.maxEndedLeases) this.#ended.delete(oldest);
    this.#onEnd(lease, why);
  }

  /** Ends what is over; @returns leases that will be within a minute, each once. */
  tick(): RegisteredLease[] {
    const due: RegisteredLease[] = [];
    const noticeAtMs = this.#clock.wallMs() + GATEWAY_LIMITS.expiringNoticeMs;
    for (const lease of [...this.#live.values()]) {
      if (isOver(lease, this.#clock)) this.end(lease.id, 'expired');
      else if (lease.expiresMs <= noticeAtMs && !this.#announced.has(lease.id)) {
        this.#announced.add(lease.id);
        due.push(lease);
      }
    }
    return due;
  }
}
