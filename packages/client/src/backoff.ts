/** How long a lost gateway is waited for. */

export interface Backoff {
  /** Connections tried before the caller is told. */
  readonly tries: number;
  /** Wait after the first failure; doubled after each. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** About 9 s in all: a gateway restart takes well below one, a reboot is not waited for. */
export const DEFAULT_BACKOFF: Backoff = { tries: 9, firstMs: 50, maxMs: 2000 };

/** Wait after the failure number `failures` (from 1), in milliseconds. */
export const backoffMs = ({ firstMs, maxMs }: Backoff, failures: number): number =>
  Math.min(maxMs, firstMs * 2 ** (failures - 1));
