/** The kinds of anomalies: what counts as one, how much of it is normal, and in which time. docs/spec/anomalies.md is its document. */
import type { AnomalyLimits, ErrorCode } from '@airlock/protocol';

/** One word each, as it stands in the record and in access.status. */
export type AnomalyKind = 'rate' | 'denials' | 'errors' | 'ids' | 'scopes' | 'codes';

export interface KindRow {
  readonly windowMs: number;
  /** How many are normal within the window. */
  readonly limitOf: (limits: AnomalyLimits) => number;
  /** Only different targets count. */
  readonly distinct: boolean;
  /** Times the limit that all sessions of a role may reach together. */
  readonly roleFactor: number;
  /** After `more than N`, for people. */
  readonly words: string;
}

const MINUTE_MS = 60_000;
/** Several agents may share a role; more than four at full speed are one that opens sessions to hide. */
const ROLE_FACTOR = 4;

export const KINDS: Readonly<Record<AnomalyKind, KindRow>> = {
  rate: {
    windowMs: MINUTE_MS,
    limitOf: ({ callsPerMinute }) => callsPerMinute,
    distinct: false,
    roleFactor: ROLE_FACTOR,
    words: 'calls in a minute',
  },
  denials: {
    windowMs: 5 * MINUTE_MS,
    limitOf: ({ denialsPer5Minutes }) => denialsPer5Minutes,
    distinct: false,
    roleFactor: ROLE_FACTOR,
    words: 'denials in 5 minutes',
  },
  errors: {
    windowMs: MINUTE_MS,
    limitOf: ({ errorsPerMinute }) => errorsPerMinute,
    distinct: false,
    roleFactor: ROLE_FACTOR,
    words: 'errors in a minute',
  },
  ids: {
    windowMs: 5 * MINUTE_MS,
    limitOf: ({ unknownIdsPer5Minutes }) => unknownIdsPer5Minutes,
    distinct: true,
    roleFactor: ROLE_FACTOR,
    words: 'different ids that do not exist in 5 minutes',
  },
  scopes: {
    windowMs: 5 * MINUTE_MS,
    limitOf: ({ probedScopesPer5Minutes }) => probedScopesPer5Minutes,
    distinct: true,
    roleFactor: ROLE_FACTOR,
    words: 'different services and operations out of reach in 5 minutes',
  },
  codes: {
    windowMs: 60 * MINUTE_MS,
    limitOf: ({ codesPerHour }) => codesPerHour,
    distinct: false,
    // A code in an agent's hands means that a human was talked into it; a new session changes nothing about that.
    roleFactor: 1,
    words: 'one-time codes offered in an hour',
  },
};

const NOTHING: readonly AnomalyKind[] = [];
const ERROR: readonly AnomalyKind[] = ['errors'];
const DENIAL: readonly AnomalyKind[] = ['denials'];
const PROBE: readonly AnomalyKind[] = ['denials', 'scopes'];

/** What each refusal counts as. A code that is not here does not compile: somebody has to decide. */
export const KINDS_OF_CODE: Readonly<Record<ErrorCode, readonly AnomalyKind[]>> = {
  INTERNAL: ERROR,
  UPSTREAM_REFUSED: ERROR,
  UPSTREAM_TIMEOUT: ERROR,
  NOT_FOUND: ['errors', 'ids'],
  OUTCOME_UNKNOWN: ERROR,
  PARAMS_INVALID: ERROR,
  LEASE_BUDGET: ERROR,
  RATE_LIMITED: ERROR,
  LEASE_EXPIRED: ERROR,
  LEASE_REVOKED: ERROR,
  SERVICE_UNKNOWN: PROBE,
  OPERATION_UNKNOWN: PROBE,
  READ_ONLY: PROBE,
  LEASE_SCOPE: PROBE,
  POLICY_DENIED: DENIAL,
  CONSTRAINT: DENIAL,
  RISK_TOO_HIGH: DENIAL,
  APPROVAL_DENIED: DENIAL,
  LEASE_INVALID: DENIAL,
  LEASE_SESSION: DENIAL,
  LEASE_INTENT: DENIAL,
  NOT_AUTHENTICATED: DENIAL,
  CODE_ON_AGENT_SOCKET: ['codes'],
  // A wait that an answer asked for, or a state of the house that is not the agent's doing.
  APPROVAL_PENDING: NOTHING,
  APPROVAL_EXPIRED: NOTHING,
  UNAVAILABLE: NOTHING,
  LOCKED: NOTHING,
  NOT_ENROLLED: NOTHING,
  VAULT_UNREADABLE: NOTHING,
  CONFIG_INVALID: NOTHING,
  AUDIT_UNAVAILABLE: NOTHING,
  BLOCKED: NOTHING,
  // Never thrown where an agent speaks, or before a method is known.
  CODE_REJECTED: NOTHING,
  CODE_LOCKED_OUT: NOTHING,
  FRAME_INVALID: NOTHING,
  FRAME_TOO_LARGE: NOTHING,
  METHOD_UNKNOWN: NOTHING,
};
