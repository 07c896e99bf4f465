/**
 * The ledger of cell slots. connect() to a slot always succeeds, so only this book says which is free.
 *
 * SLOT-1  at most 6 slots for one role.
 * SLOT-2  one slot is kept for the operator.
 */
import { AirlockError, OPERATOR_ROLE } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

/** Who holds a slot: role and its operator. */
export interface Holder {
  readonly role: string;
  readonly operator: string;
}

const full = (message: string): AirlockError =>
  new AirlockError('UNAVAILABLE', message, {
    hint: 'release leases that are not used, or try again in a minute: idle cells close by themselves',
    retryAfterMs: GATEWAY_LIMITS.slotRetryMs,
  });

const keyOf = ({ role, operator }: Holder): string => `${operator}/${role}`;

export class SlotLedger {
  readonly #holders: (Holder | null)[];
  readonly #reserve: number;
  /** Where the search begins: a slot just freed gets the longest time to start its next cell. */
  #next = 0;

  constructor(count: number) {
    this.#holders = Array.from({ length: count }, () => null);
    // With a single slot, as the development launcher may have it, nothing could be kept.
    this.#reserve = count > GATEWAY_LIMITS.operatorSlots ? GATEWAY_LIMITS.operatorSlots : 0;
  }

  get count(): number {
    return this.#holders.length;
  }

  get inUse(): number {
    return this.#holders.filter((holder) => holder !== null).length;
  }

  /** A free slot's number, taken. @throws AirlockError UNAVAILABLE (SLOT-1, SLOT-2). */
  take(holder: Holder): number {
    if (holder.role !== OPERATOR_ROLE) this.#checkAgent(holder);
    for (let offset = 0; offset < this.count; offset += 1) {
      const slot = (this.#next + offset) % this.count;
      if (this.#holders[slot] !== null) continue;
      this.#holders[slot] = holder;
      this.#next = (slot + 1) % this.count;
      return slot;
    }
    throw full(`all ${this.count} cell slots are in use`);
  }

  free(slot: number): void {
    this.#holders[slot] = null;
  }

  #checkAgent(holder: Holder): void {
    const key = keyOf(holder);
    let own = 0;
    let agents = 0;
    for (const other of this.#holders) {
      if (other === null || other.role === OPERATOR_ROLE) continue;
      agents += 1;
      if (keyOf(other) === key) own += 1;
    }
    if (own >= GATEWAY_LIMITS.maxSlotsPerRole) throw full(`role ${holder.role} has ${own} cells, its limit`);
    if (agents >= this.count - this.#reserve) throw full('every cell slot that agents may use is in use');
  }
}
