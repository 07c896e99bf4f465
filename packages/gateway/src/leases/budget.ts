/**
 * What is left of a lease's calls and bytes, across kills of this process.
 *
 * BUDGET-1  a call is counted before it happens, and the count is in the kernel's hands before the cell is asked.
 * BUDGET-2  a budget counts against the tag at its position, for all descendants together.
 * BUDGET-3  the bytes of a result are counted before it leaves; what is more than is left is withheld, and counts nothing.
 */
import type { LeaseBudget, LeasePayload, VerifiedLease } from '@airlock/lease';
import { AirlockError, type Json } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { LedgerFile } from '../state/ledger-file.js';

interface Use {
  /** Calls. */
  readonly used: number;
  /** Bytes of results; absent where no limit of bytes ever counted. */
  readonly bytes?: number;
}

interface Line extends Use {
  readonly lease: string;
  readonly key: string;
}

/** As much of a lease as its budgets are counted by. */
interface Counted {
  readonly payload: Pick<LeasePayload, 'id'>;
  readonly budgets: readonly LeaseBudget[];
}

const UNUSED: Use = { used: 0 };

const isLine = (value: object): value is Line => {
  const { lease, key, used, bytes = 0 } = value as Partial<Record<keyof Line, unknown>>;
  return typeof lease === 'string' && typeof key === 'string' && Number.isSafeInteger(used) && Number.isSafeInteger(bytes);
};

const spent = (most: number, what: string): AirlockError =>
  new AirlockError('LEASE_BUDGET', `all ${most} ${what} of the lease are used`, { expected: `at most ${most} ${what}` });

const tooLarge = (size: number, left: number): AirlockError =>
  new AirlockError('LEASE_BUDGET', `the result is larger than what is left of the lease's bytes, and is withheld`, {
    expected: `at most ${left} bytes`,
    found: `${size} bytes`,
    hint: 'ask for less, e.g. with a smaller limit, or ask for a lease of more bytes',
  });

export class BudgetLedger {
  /** Lease id to what was used of each of its budgets. */
  readonly #used = new Map<string, Map<string, Use>>();
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

  /** Whether every budget of the lease has room for one more call. @throws AirlockError LEASE_BUDGET. */
  check({ payload, budgets }: VerifiedLease): void {
    let fresh = 0;
    for (const { tag, calls, bytes } of budgets) {
      const { used, bytes: taken = 0 } = this.#use(payload.id, tag);
      if (calls !== null && used >= calls) throw spent(calls, 'calls');
      if (bytes !== null && taken >= bytes) throw spent(bytes, 'bytes');
      if (used === 0) fresh += 1;
    }
    if ((this.#used.get(payload.id)?.size ?? 0) + fresh > GATEWAY_LIMITS.maxBudgetPositions) {
      throw new AirlockError('LEASE_BUDGET', 'the lease was narrowed by too many budgets');
    }
  }

  /** BUDGET-1: counts one call against every budget; `check` came right before. */
  spend({ payload, budgets }: VerifiedLease): void {
    for (const { tag } of budgets) {
      const use = this.#use(payload.id, tag);
      this.#count({ lease: payload.id, key: tag, ...use, used: use.used + 1 });
    }
  }

  /**
   * BUDGET-3: counts the bytes of a result as JSON, all or nothing.
   * @param isTold it is handed out whatever is left: the outcome of what was written already
   * @throws AirlockError LEASE_BUDGET where it is more than is left
   */
  take({ payload, budgets }: Counted, result: Json, isTold = false): void {
    const limited = budgets.flatMap(({ tag, bytes }) => (bytes === null ? [] : [{ tag, bytes }]));
    if (limited.length === 0) return;
    const size = Buffer.byteLength(JSON.stringify(result));
    const left = Math.min(...limited.map(({ tag, bytes }) => bytes - (this.#use(payload.id, tag).bytes ?? 0)));
    if (size > left && !isTold) throw tooLarge(size, Math.max(0, left));
    for (const { tag } of limited) {
      const use = this.#use(payload.id, tag);
      this.#count({ lease: payload.id, key: tag, ...use, bytes: (use.bytes ?? 0) + size });
    }
  }

  /** Takes back what was counted of a call that did not come to anything. */
  giveBack({ payload, budgets }: VerifiedLease): void {
    for (const { tag } of budgets) {
      const use = this.#use(payload.id, tag);
      if (use.used > 0) this.#count({ lease: payload.id, key: tag, ...use, used: use.used - 1 });
    }
  }

  /** Calls made under a lease and all narrowed from it: its own position counts them all, and no other counts more. */
  usedOf(lease: string): number {
    return Math.max(0, ...[...(this.#used.get(lease)?.values() ?? [])].map(({ used }) => used));
  }

  /** Bytes of results under a lease with a limit of them, and all narrowed from it. */
  bytesOf(lease: string): number {
    return Math.max(0, ...[...(this.#used.get(lease)?.values() ?? [])].map(({ bytes = 0 }) => bytes));
  }

  forget(lease: string): void {
    this.#used.delete(lease);
  }

  #use(lease: string, key: string): Use {
    return this.#used.get(lease)?.get(key) ?? UNUSED;
  }

  #count(line: Line): void {
    this.#file.append(line);
    this.#set(line);
  }

  close(): void {
    this.#file.close();
  }

  #set({ lease, key, used, bytes }: Line): void {
    const ofLease = this.#used.get(lease) ?? new Map<string, Use>();
    ofLease.set(key, { used, ...(bytes === undefined ? {} : { bytes }) });
    this.#used.set(lease, ofLease);
  }

  #lines(): Line[] {
    return [...this.#used].flatMap(([lease, ofLease]) => [...ofLease].map(([key, use]) => ({ lease, key, ...use })));
  }
}
