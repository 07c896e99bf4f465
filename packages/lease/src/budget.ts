/**
 * The ledger of budgets: what every position of every lease has used (docs/spec/lease.md).
 *
 * LEASE-10  a budget is counted at its tag, for the lease there and all narrowed from it together; narrowing again never resets it.
 *           What is kept are digests of tags, as a tag is the key to everything narrowed from it.
 */
import { AirlockError } from '@airlock/protocol';
import type { LeaseBudget, VerifiedLease } from './verify.js';

/** What one position has used. */
export interface BudgetUse {
  readonly calls: number;
  readonly bytes: number;
}
/** Lease id → digest of the tag → use. Plain JSON. */
export type BudgetSnapshot = Readonly<Record<string, Readonly<Record<string, BudgetUse>>>>;

/** A holder can append budgets without end; past this many used ones a lease takes no more. */
const MAX_POSITIONS = 256;
const UNUSED: BudgetUse = { calls: 0, bytes: 0 };
const FIELDS = ['calls', 'bytes'] as const;

const isUse = (value: unknown): value is BudgetUse =>
  typeof value === 'object' &&
  value !== null &&
  FIELDS.every((field) => Number.isSafeInteger((value as Record<string, unknown>)[field]) && (value as BudgetUse)[field] >= 0);

/** Pure bookkeeping in memory; whoever owns it makes `snapshot` durable. */
export class BudgetLedger {
  readonly #used = new Map<string, Map<string, BudgetUse>>();

  /** @throws AirlockError INTERNAL for anything but a snapshot: a ledger that starts empty by mistake gives budgets back. */
  static restore(snapshot: BudgetSnapshot): BudgetLedger {
    const ledger = new BudgetLedger();
    for (const [id, positions] of Object.entries(snapshot)) {
      const entries = Object.entries(positions);
      if (!entries.every(([, use]) => isUse(use))) throw new AirlockError('INTERNAL', 'a budget snapshot is malformed');
      ledger.#used.set(id, new Map(entries.map(([tag, { calls, bytes }]) => [tag, { calls, bytes }])));
    }
    return ledger;
  }

  snapshot(): BudgetSnapshot {
    return Object.fromEntries([...this.#used].map(([id, positions]) => [id, Object.fromEntries(positions)]));
  }

  /** Counts one call against every budget of the lease, or against none. @throws AirlockError LEASE_BUDGET */
  spend(verified: VerifiedLease): void {
    const { budgets, payload } = verified;
    if (budgets.length === 0) return;
    for (const budget of budgets) {
      const { calls, bytes } = this.#use(payload.id, budget);
      if (calls >= (budget.calls ?? Infinity) || bytes >= (budget.bytes ?? Infinity))
        throw new AirlockError('LEASE_BUDGET', 'the budget of the lease is spent');
    }
    this.#checkRoom(payload.id, budgets);
    this.#add(verified, 1, 0);
  }

  /** Counts what an answer brought, after the fact; the call that crosses the limit is the last. @param bytes from 0 */
  addBytes(verified: VerifiedLease, bytes: number): void {
    this.#add(verified, 0, bytes);
  }

  /** Calls left under the tightest budget, or null where none limits calls. */
  callsLeft(verified: VerifiedLease): number | null {
    const left = verified.budgets.flatMap((budget) =>
      budget.calls === null ? [] : [budget.calls - this.#use(verified.payload.id, budget).calls],
    );
    return left.length === 0 ? null : Math.max(0, Math.min(...left));
  }

  /** Forgets a lease that has ended. */
  drop(leaseId: string): void {
    this.#used.delete(leaseId);
  }

  #use(leaseId: string, budget: LeaseBudget): BudgetUse {
    return this.#used.get(leaseId)?.get(budget.tag) ?? UNUSED;
  }

  #checkRoom(leaseId: string, budgets: readonly LeaseBudget[]): void {
    const positions = this.#used.get(leaseId);
    const fresh = budgets.filter((budget) => positions?.has(budget.tag) !== true).length;
    if ((positions?.size ?? 0) + fresh > MAX_POSITIONS)
      throw new AirlockError('LEASE_BUDGET', 'the lease was narrowed by too many budgets');
  }

  #add({ budgets, payload }: VerifiedLease, calls: number, bytes: number): void {
    if (budgets.length === 0) return;
    const positions = this.#used.get(payload.id) ?? new Map<string, BudgetUse>();
    for (const budget of budgets) {
      const use = positions.get(budget.tag) ?? UNUSED;
      positions.set(budget.tag, { calls: use.calls + calls, bytes: use.bytes + bytes });
    }
    this.#used.set(payload.id, positions);
  }
}
