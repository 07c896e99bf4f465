/** `airlock lease narrow LEASE`: a lease that allows less, for a sub-agent; needs no gateway. */
import { leaseFacts, narrow, systemClock, type Narrowing } from '@airlock/client';
import { parseConstraints } from '../constraints.js';
import type { Context } from '../context.js';
import { parseCount, parseMinutes } from '../numbers.js';
import { printResult } from '../output.js';

export interface NarrowFlags {
  readonly scope?: readonly string[];
  readonly ttl?: string;
  readonly calls?: string;
  readonly constraint?: readonly string[];
}

const narrowingOf = ({ scope, ttl, calls, constraint }: NarrowFlags): Narrowing => ({
  scopes: scope,
  ttlS: ttl === undefined ? undefined : parseMinutes(ttl),
  calls: calls === undefined ? undefined : parseCount(calls, '--calls'),
  constraints: constraint === undefined ? undefined : parseConstraints(constraint),
});

/** `-` reads the lease from stdin, where no process list shows it. */
export const leaseNarrow = async (context: Context, lease: string, flags: NarrowFlags): Promise<void> => {
  const text = lease === '-' ? (await context.readStdin()).trim() : lease;
  const narrowed = narrow(text, narrowingOf(flags), systemClock.wallMs());
  printResult(context.output, { lease: narrowed, id: leaseFacts(narrowed).id }, () => narrowed);
};
