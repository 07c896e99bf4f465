/** Narrowing a lease offline for a sub-agent: several limits at once, each a caveat of its own (docs/spec/lease.md). */
import { canonicalConstraints, narrowLease, parseLease, type Caveat, type LeaseConstraints } from '@airlock/lease';
import { AirlockError, canonicalScopes } from '@airlock/protocol';

export interface Narrowing {
  /** A part of what the lease allows. */
  readonly scopes?: readonly string[] | undefined;
  /** Seconds from now; not beyond the end of the lease. */
  readonly ttlS?: number | undefined;
  /** Calls of the result and of all narrowed from it together. */
  readonly calls?: number | undefined;
  /** Bytes of results, as JSON, of the result and of all narrowed from it together. */
  readonly bytes?: number | undefined;
  readonly constraints?: LeaseConstraints | undefined;
}

/** What something enforces for a narrowed lease: calls and bytes by the gateway, risk by the cell, the others by the operations that declare them. */
export const ENFORCED_CONSTRAINTS: readonly string[] = [
  'calls',
  'bytes',
  'folders',
  'senders',
  'domains',
  'calendars',
  'since',
  'before',
  'maxResults',
  'maxRisk',
];

const budgetOf = ({ calls, bytes }: Narrowing): Caveat[] =>
  calls === undefined && bytes === undefined
    ? []
    : [['budget', { ...(calls === undefined ? {} : { calls }), ...(bytes === undefined ? {} : { bytes }) }] as const];

const caveatsOf = (narrowing: Narrowing, nowMs: number): Caveat[] => {
  const { scopes, ttlS, constraints } = narrowing;
  return [
    ...(scopes === undefined ? [] : [['scopes', canonicalScopes(scopes)] as const]),
    ...(ttlS === undefined ? [] : [['expires', nowMs + ttlS * 1000] as const]),
    ...budgetOf(narrowing),
    ...(constraints === undefined ? [] : [['constraints', canonicalConstraints(constraints)] as const]),
  ];
};

/**
 * A lease that allows less.
 * @param nowMs wall clock, for `ttlS`.
 * @throws AirlockError LEASE_INVALID for a text that is no lease; PARAMS_INVALID for a limit that is none, or none at all.
 */
export const narrow = (lease: string, narrowing: Narrowing, nowMs: number): string => {
  const caveats = caveatsOf(narrowing, nowMs);
  if (caveats.length === 0) {
    throw new AirlockError('PARAMS_INVALID', 'nothing to narrow', {
      hint: 'name at least one of scopes, ttl, calls, bytes and constraints',
    });
  }
  return caveats.reduce(narrowLease, lease);
};

export interface LeaseFacts {
  /** Id, as `lease.ended` and `access.status` name it; empty where the text cannot be read. */
  readonly id: string;
  /** As issued; a narrowed lease allows less. */
  readonly scopes: readonly string[];
  /** It ends with the lease it was made from; only that one can be released. */
  readonly isNarrowed: boolean;
}

/** What a lease says of itself, to be shown and matched; only the gateway verifies it. Empty where the text is no lease. */
export const leaseFacts = (text: string): LeaseFacts => {
  try {
    const { payload, caveats } = parseLease(text);
    return { id: payload.id, scopes: payload.scopes, isNarrowed: caveats.length > 0 };
  } catch {
    return { id: '', scopes: [], isNarrowed: false };
  }
};
