/** Answer of `action.wait`: the outcome of an action, and what it gave once, to the connection that opened it (QUEUE-11). */
import { AirlockError, type ActionWaitResult } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import type { Desk } from '../operators/desk.js';
import type { House } from '../operators/house.js';
import { positionOf } from '../queue/open.js';
import type { Opener } from '../tickets/action-tickets.js';

/**
 * An outcome is told this long after the decision, so that a terminal that waits and submits on one connection
 * reads the answer to its submission, which carries the ticket, first.
 */
const AFTER_DECISION_MS = 250;

/** null: not decided yet. @throws AirlockError NOT_FOUND */
const outcomeOf = (desk: Desk, request: string, opener: Opener): ActionWaitResult | null => {
  if (positionOf(desk.state, request) !== -1) return null;
  const decided = desk.state.decided.find((one) => one.id === request);
  if (decided === undefined) throw new AirlockError('NOT_FOUND', 'no action has this id', { hint: 'open it again' });
  const held = desk.undelivered.get(request);
  const reason = decided.reason === null ? {} : { reason: decided.reason };
  if (held?.opener !== opener) return { status: decided.status, ...reason };
  desk.undelivered.delete(request);
  return { status: decided.status, ...held.given };
};

export class ActionWaiters {
  readonly #house: House;
  readonly #wakers = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(house: House) {
    this.#house = house;
    house.listeners.add((_, { decided }) => {
      for (const { id } of decided) for (const wake of this.#wakers.get(id) ?? []) house.timers.after(AFTER_DECISION_MS, wake);
    });
  }

  /** Resolves at the decision, or after the time given with status `pending`. @throws AirlockError NOT_FOUND, RATE_LIMITED */
  wait(desk: Desk, request: string, timeoutS: number, opener: Opener): ActionWaitResult | Promise<ActionWaitResult> {
    const outcome = outcomeOf(desk, request, opener);
    if (outcome !== null) return outcome;
    if (timeoutS === 0) return { status: 'pending' };
    if (this.#count >= TOTP_LIMITS.maxWaiters)
      throw new AirlockError('RATE_LIMITED', 'too many terminals wait for actions', { retryAfterMs: 1000 });
    return this.#park(desk, request, timeoutS, opener);
  }

  async #park(desk: Desk, request: string, timeoutS: number, opener: Opener): Promise<ActionWaitResult> {
    this.#count += 1;
    const wakers = this.#wakers.get(request) ?? new Set();
    this.#wakers.set(request, wakers);
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        wakers.delete(wake);
        resolve();
      };
      const timer = this.#house.timers.after(timeoutS * 1000, wake);
      wakers.add(wake);
    });
    this.#count -= 1;
    if (wakers.size === 0) this.#wakers.delete(request);
    return outcomeOf(desk, request, opener) ?? { status: 'pending' };
  }
}
