/**
 * One operation that waits for an approval of its own, as it is kept (docs/spec/approval.md "Parked operations").
 *
 * waiting → running → done | failed | unknown, and from waiting denied, expired or failed. What is settled stays settled.
 */
import type { LeaseBudget } from '@airlock/lease';
import type { Constraints, Json, Params, ScopeClass, WireError } from '@airlock/protocol';

export type ParkedState = 'waiting' | 'running' | 'done' | 'failed' | 'unknown' | 'denied' | 'expired';

/** What the cell answered. */
export interface ParkedOutcome {
  readonly result: Json;
  readonly masked: number;
  readonly truncated: boolean;
  readonly risk: number;
  /** Of injections; left out where none was found. */
  readonly signatures?: readonly string[];
  readonly count: number;
}

export interface ParkedFacts {
  readonly request: string;
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  /** Id of the lease. */
  readonly lease: string;
  readonly service: string;
  readonly operation: string;
  readonly class: ScopeClass;
  readonly params: Params;
  /** SHA-256 of the canonical JSON of {operation, params, service}. */
  readonly digest: string;
  /** Those of the lease with all its caveats. */
  readonly constraints: Constraints;
  /** What its outcome counts against (LEASE-16): those with a limit of bytes. */
  readonly budgets: readonly LeaseBudget[];
  /** End of the lease with all its caveats, on either clock. */
  readonly endsWallMs: number;
  readonly endsBootMs: number;
  /** 0 to 1, of the rules that matched; a result with a higher score is withheld. */
  readonly maxRisk?: number;
  readonly match: string;
  /** `seq` of the record that it was asked for. */
  readonly of: number;
}

export interface Parked extends ParkedFacts {
  readonly state: ParkedState;
  /** Wall clock of the last change. */
  readonly changedMs: number;
  readonly reason: string | null;
  readonly outcome: ParkedOutcome | null;
  readonly error: WireError | null;
  /** `seq` of the record of the outcome; null until it is written. */
  readonly audit: number | null;
}

const STATES: ReadonlySet<unknown> = new Set(['waiting', 'running', 'done', 'failed', 'unknown', 'denied', 'expired']);
const TEXTS = ['request', 'operator', 'role', 'session', 'lease', 'service', 'operation', 'class', 'digest', 'match'] as const;
const NUMBERS = ['changedMs', 'of', 'endsWallMs', 'endsBootMs'] as const;

/** A name that may become a file's: what airlock-totp makes, and nothing with a slash or a dot. */
export const isRequestId = (text: string): boolean => /^r-[a-z0-9-]{1,40}$/.test(text);

export const isSettled = ({ state }: Pick<Parked, 'state'>): boolean => state !== 'waiting' && state !== 'running';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What was read, or null where it is no parked operation of this name. */
export const parseParked = (text: string, request: string): Parked | null => {
  let value: Partial<Record<keyof Parked, unknown>>;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return null;
  }
  if (!isObject(value) || value.request !== request || !STATES.has(value.state)) return null;
  if (!TEXTS.every((name) => typeof value[name] === 'string')) return null;
  if (!isObject(value.params) || !isObject(value.constraints) || !Array.isArray(value.budgets)) return null;
  return NUMBERS.every((name) => typeof value[name] === 'number') ? (value as Parked) : null;
};
