/**
 * The requests of agents that were asked for here, and what became of them.
 *
 * BOARD-1  the lease text is fetched once and given to the session that asked, once.
 * BOARD-2  a wait costs one timer and no loop; it ends with the decision, or with its time.
 */
import { AirlockError, type BridgeNotification, type RequestState, type TakenLease, type Timers } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

export interface Tracked extends Pick<RequestState, 'operator' | 'role' | 'session' | 'match' | 'expiresAt'> {
  readonly request: string;
  status: RequestState['status'];
  reason: string | null;
  /** Fetched, or being fetched (BOARD-1). */
  isTaken: boolean;
}

/** Asks airlock-totp: `request.get` and `request.take`. */
export interface RequestSource {
  get(request: string): Promise<RequestState>;
  take(request: string): Promise<TakenLease>;
}

type Decided = Extract<BridgeNotification, { readonly method: 'request.decided' }>['params'];

export class RequestBoard {
  readonly #source: RequestSource;
  readonly #timers: Timers;
  readonly #tracked = new Map<string, Tracked>();
  /** By request, only of those that somebody waits for: what is decided is kept long, and many of it. */
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(source: RequestSource, timers: Timers) {
    this.#source = source;
    this.#timers = timers;
  }

  pendingOf(session: string): Tracked[] {
    return [...this.#tracked.values()].filter((one) => one.session === session && one.status === 'pending');
  }

  /** A request that was just opened; one merged with an earlier is tracked already. */
  opened({ request, operator, role, session, match, expiresAt }: Omit<Tracked, 'status' | 'reason' | 'isTaken'>): Tracked {
    const known = this.#tracked.get(request);
    if (known !== undefined) return known;
    // Named one by one: what is made by a spread keeps a shape of its own, at three times the memory.
    const isTaken = false;
    const tracked: Tracked = { request, operator, role, session, match, expiresAt, status: 'pending', reason: null, isTaken };
    this.#makeRoom();
    this.#tracked.set(request, tracked);
    return tracked;
  }

  /** @returns the request, now decided; null where it is not one of ours. */
  decided({ request, status, reason }: Decided): Tracked | null {
    const tracked = this.#tracked.get(request);
    if (tracked === undefined) return null;
    this.#settle(tracked, status, reason ?? null);
    return tracked;
  }

  /** The request of a session. @throws AirlockError NOT_FOUND for one of another session, too: ids of others say nothing. */
  async find(request: string, session: string): Promise<Tracked> {
    const tracked = this.#tracked.get(request) ?? (await this.#lookUp(request));
    if (tracked.session !== session) throw new AirlockError('NOT_FOUND', 'this session has no such request');
    return tracked;
  }

  /** Resolves when the request is decided, or after `ms`. */
  changed(tracked: Tracked, ms: number): Promise<void> {
    if (tracked.status !== 'pending' || ms <= 0) return Promise.resolve();
    const waiters = this.#waiters.get(tracked.request) ?? new Set();
    this.#waiters.set(tracked.request, waiters);
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        waiters.delete(done);
        if (waiters.size === 0) this.#waiters.delete(tracked.request);
        resolve();
      };
      const timer = this.#timers.after(ms, done);
      waiters.add(done);
    });
  }

  /** BOARD-1. @returns null where it was delivered before. @throws AirlockError of airlock-totp. */
  async take(tracked: Tracked): Promise<TakenLease | null> {
    if (tracked.isTaken) return null;
    tracked.isTaken = true;
    try {
      return await this.#source.take(tracked.request);
    } catch (thrown) {
      if (thrown instanceof AirlockError && thrown.code === 'NOT_FOUND') return null;
      tracked.isTaken = false;
      throw thrown;
    }
  }

  /** After a reconnect: what was decided meanwhile. */
  async refresh(): Promise<void> {
    for (const tracked of [...this.#tracked.values()].filter(({ status }) => status === 'pending')) {
      try {
        const { status, reason } = await this.#source.get(tracked.request);
        if (status !== 'pending') this.#settle(tracked, status, reason ?? null);
      } catch (thrown) {
        if (thrown instanceof AirlockError && thrown.code === 'NOT_FOUND') this.#settle(tracked, 'expired', null);
      }
    }
  }

  async #lookUp(request: string): Promise<Tracked> {
    const { operator, role, session, match, expiresAt, status, reason } = await this.#source.get(request);
    const tracked = this.opened({ request, operator, role, session, match, expiresAt });
    if (status !== 'pending') this.#settle(tracked, status, reason ?? null);
    return tracked;
  }

  #settle(tracked: Tracked, status: RequestState['status'], reason: string | null): void {
    tracked.status = status;
    tracked.reason = reason;
    for (const wake of [...(this.#waiters.get(tracked.request) ?? [])]) wake();
  }

  /** The oldest that nobody waits for goes; where somebody waits for each, there are as many more as wait. */
  #makeRoom(): void {
    if (this.#tracked.size < GATEWAY_LIMITS.maxTrackedRequests) return;
    const oldest = [...this.#tracked.keys()].find((request) => !this.#waiters.has(request));
    if (oldest !== undefined) this.#tracked.delete(oldest);
  }
}
