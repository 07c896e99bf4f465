/**
 * What is left of a lease's calls, across kills of this process.
 *
 * BUDGET-1  a call is counted before it happens, and the count is in the kernel's hands before the cell is asked.
 * BUDGET-2  a budget counts against the tag at its position, for all descendants together.
 */
import type { VerifiedLease } from '@airlock/lease';
import { AirlockError } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { LedgerFile } from '../state/ledger-file.js';

interface Line {
  readonly lease: string;
  readonly key: string;
  readonly used: number;
}

const isLine = (value: unknown): value is Line => {
  const { lease, key, used } = (value ?? {}) as Partial<Record<keyof Line, unknown>>;
  return typeof lease === 'string' && typeof key === 'string' && typeof used === 'number' && Number.isSafeInteger(used);
};

export class BudgetLedger {
  /** Lease id to what was used of each of its budgets. */
  readonly #used = new Map<string, Map<string, number>>();
  readonly #file: LedgerFile;

  /** @throws AirlockError VAULT_UNREADABLE where the file is not ours. */
  constructor(path: string | null, bootId: string) {
    this.#file = new LedgerFile(
      path,
      bootId,
      (line) => (isLine(line) ? this.#set(line) : undefined),
      () => this.#lines(),
    );
  }

  /** Whether every budget of the lease has room for one more call. @throws AirlockError LEASE_BUDGET, CONSTRAINT. */
  check({ payload, budgets }: VerifiedLease): void {
    let fresh = 0;
    for (const { tag, calls, bytes } of budgets) {
      if (bytes !== null)
        throw new AirlockError('CONSTRAINT', 'a budget of bytes is not kept by this release', { field: 'params.lease' });
      const used = this.#count(payload.id, tag);
      if (used >= (calls ?? Infinity)) {
        throw new AirlockError('LEASE_BUDGET', `all ${calls ?? 0} calls of the lease are used`, {
          expected: `at most ${calls ?? 0} calls`,
        });
      }
      if (used === 0) fresh += 1;
    }
    if ((this.#used.get(payload.id)?.size ?? 0) + fresh > GATEWAY_LIMITS.maxBudgetPositions) {
      throw new AirlockError('LEASE_BUDGET', 'the lease was narrowed by too many budgets');
    }
  }

  /** BUDGET-1: counts one call against every budget; `check` came right before. */
  spend({ payload, budgets }: VerifiedLease): void {
    for (const { tag } of budgets) {
      const line: Line = { lease: payload.id, key: tag, used: this.#count(payload.id, tag) + 1 };
      this.#file.append(line);
      this.#set(line);
    }
  }

  /** Takes back what was counted of a call that did not come to anything. */
  giveBack({ payload, budgets }: VerifiedLease): void {
    for (const { tag } of budgets) {
      const used = this.#count(payload.id, tag);
      if (used === 0) continue;
      const line: Line = { lease: payload.id, key: tag, used: used - 1 };
      this.#file.append(line);
      this.#set(line);
    }
  }

  /** Calls made under a lease and all narrowed from it: its own position counts them all, and no other counts more. */
  usedOf(lease: string): number {
    return Math.max(0, ...(this.#used.get(lease)?.values() ?? []));
  }

  forget(lease: string): void {
    this.#used.delete(lease);
  }

  #count(lease: string, key: string): number {
    return this.#used.get(lease)?.get(key) ?? 0;
  }

  close(): void {
    this.#file.close();
  }

  #set({ lease, key, used }: Line): void {
    const ofLease = this.#used.get(lease) ?? new Map<string, number>();
    ofLease.set(key, used);
    this.#used.set(lease, ofLease);
  }

  #lines(): Line[] {
    return [...this.#used].flatMap(([lease, ofLease]) => [...ofLease].map(([key, used]) => ({ lease, key, used })));
  }
}
