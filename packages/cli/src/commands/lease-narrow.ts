/** `airlock lease narrow [LEASE]`: a lease that allows less, for a sub-agent; needs no gateway. */
import { type Constraints, leaseFacts, leaseStore, narrow, systemClock, type Narrowing } from '@airlock/client';
import { checkEnforced, parseConstraints } from '../constraints.js';
import { findLease, namedLease, socketOf, type Context } from '../context.js';
import { parseCount, parseMinutes } from '../numbers.js';
import { printResult } from '../output.js';
import type { Command } from './command.js';

export interface NarrowFlags {
  readonly scope?: readonly string[];
  readonly ttl?: string;
  readonly calls?: string;
  readonly constraint?: readonly string[];
}

/** `--constraint calls=N` is what `--calls N` is; given both, the smaller holds. */
const callsOf = (flag: string | undefined, calls: Constraints[string] | undefined): number | undefined => {
  const counts = [
    ...(flag === undefined ? [] : [parseCount(flag, '--calls')]),
    ...(calls === undefined ? [] : [parseCount(JSON.stringify(calls), '--constraint calls')]),
  ];
  return counts.length === 0 ? undefined : Math.min(...counts);
};

const narrowingOf = ({ scope, ttl, calls, constraint = [] }: NarrowFlags): Narrowing => {
  const asked = parseConstraints(constraint);
  checkEnforced(asked);
  const { calls: counted, bytes, ...others } = asked;
  return {
    scopes: scope,
    ttlS: ttl === undefined ? undefined : parseMinutes(ttl),
    calls: callsOf(calls, counted),
    bytes: bytes === undefined ? undefined : parseCount(JSON.stringify(bytes), '--constraint bytes'),
    constraints: Object.keys(others).length === 0 ? undefined : others,
  };
};

/** `-` reads the lease from stdin, where no process list shows it; without one it is found as for `call`. */
const leaseText = async (context: Context, named: string | undefined): Promise<string> => {
  if (named === '-') return (await context.readStdin()).trim();
  if (named !== undefined) return named;
  return namedLease(context) ?? findLease(context, leaseStore({ env: context.env }), socketOf(context).role);
};

export const leaseNarrow = async (context: Context, named: string | undefined, flags: NarrowFlags): Promise<void> => {
  const narrowed = narrow(await leaseText(context, named), narrowingOf(flags), systemClock.wallMs());
  printResult(context.output, { lease: narrowed, id: leaseFacts(narrowed).id }, () => narrowed);
};

export const LEASE_NARROW: Command = {
  name: 'lease narrow',
  args: '[lease]',
  summary: 'make a lease that allows less, for a sub-agent; without LEASE from the present one, - reads it from stdin',
  flags: [
    { flags: '--scope <scope>', summary: 'a scope to keep; may be given again', many: true },
    { flags: '--ttl <minutes>', summary: 'end it earlier' },
    { flags: '--calls <n>', summary: 'at most this many calls' },
    {
      flags: '--constraint <key=value>',
      summary:
        'calls=N, bytes=N, folders=NAME,NAME, senders=ADDRESS, domains=DOMAIN, calendars=ID, since=YYYY-MM-DD, before=YYYY-MM-DD, maxResults=N, maxRisk=THOUSANDTHS',
      many: true,
    },
  ],
  run: (context, { args: [lease], options }) => leaseNarrow(context, lease, options),
};
