/**
 * The state of one operator: a plain value that canonical JSON can hold. Everything in src/queue is a pure
 * function from one such value to the next; clock and randomness are parameters.
 */
import type {
  Action,
  Channel,
  Budget,
  Constraints,
  RegisteredGrant,
  RegisteredLease,
  RequestKind,
  RequestStatus,
  ScopeClass,
} from '@airlock/protocol';
import type { PresenceState } from '../presence/decide.js';

export type Lane = 'operator' | 'agent';

/** What an agent asks to do once. `digest`: OPERATION-1. */
export interface AskedOperation {
  readonly lease: string;
  readonly service: string;
  readonly operation: string;
  readonly class: ScopeClass;
  readonly digest: string;
}

/** An approved operation, until it is over. */
export interface KeptOperation extends AskedOperation {
  readonly request: string;
  readonly endsWallMs: number;
  readonly endsBootMs: number;
  readonly taken: boolean;
}

/** A request that is in front or waits. `text` never changes after opening (approval.md "Requests"). */
export interface QueuedRequest {
  readonly id: string;
  readonly kind: RequestKind;
  readonly lane: Lane;
  readonly role: string;
  readonly session: string;
  readonly scopes: readonly string[];
  readonly reason: string;
  readonly intent: string | null;
  readonly constraints: Constraints;
  readonly budget: Budget | null;
  readonly ttlS: number;
  readonly action: Action | null;
  /** Of a request of kind `operation` only. */
  readonly operation?: AskedOperation;
  /** Id of the lease this one is to follow (RENEW-2). */
  readonly renew?: string;
  /** `service:operation`, sorted: writes that need no approval of their own (UNATTENDED-1). */
  readonly unattended?: readonly string[];
  readonly match: string;
  readonly text: string;
  /** SHA-256 of `text`, lower-case hexadecimal. */
  readonly digest: string;
  readonly summary: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly bootDeadlineMs: number;
}

/** A request that was decided, kept so that its outcome can be asked for. */
export interface DecidedRequest {
  readonly id: string;
  readonly status: Exclude<RequestStatus, 'pending'>;
  readonly role: string;
  readonly session: string;
  readonly match: string;
  readonly expiresMs: number;
  readonly reason: string | null;
  /** Id of the lease of an approved request of kind `lease`. */
  readonly lease: string | null;
  /** Id of the lease that ends when the text is handed out (RENEW-2). */
  readonly renew?: string;
  /** The lease text was handed out (QUEUE-10: once). */
  readonly delivered: boolean;
}

/** QUEUE-8. `untilBootMs` holds in the boot in which the state was last written. */
export interface CoolOff {
  readonly denials: number;
  readonly delayMs: number;
  readonly untilBootMs: number;
}

/**
 * RELEASE-4, RELEASE-9. `newest`: below it nothing is released; `sealed`: the last version given out. ENROL-9: up to `retired`
 * no other than the newest counts, as it was sealed for a phone that is forgotten.
 */
export interface RecordVersions {
  readonly newest: number;
  readonly sealed: number;
  readonly retired?: number;
}

export interface OperatorState {
  /** Boot in which the boot times below were read. */
  readonly bootId: string;
  /** QUEUE-4: the last step that was burnt. */
  readonly lastStep: number;
  /** QUEUE-5: no code of a step below it is accepted. */
  readonly floorStep: number;
  readonly failures: Readonly<Record<Channel, number>>;
  readonly locked: boolean;
  /** What presence freezes (docs/spec/presence.md); absent where nothing was ever reported. */
  readonly presence?: PresenceState;
  readonly coolOff: Readonly<Record<string, CoolOff>>;
  readonly front: QueuedRequest | null;
  /** In the order in which they come to the front. */
  readonly waiting: readonly QueuedRequest[];
  /** Oldest first. */
  readonly decided: readonly DecidedRequest[];
  /** Boot time at which a front last left undecided or denied (QUEUE-6); null: not in this boot. */
  readonly leftBootMs: number | null;
  readonly leases: readonly RegisteredLease[];
  /** Not claimed yet, oldest first. */
  readonly grants: readonly RegisteredGrant[];
  /** Approved operations, oldest first (OPERATION-4). */
  readonly operations: readonly KeptOperation[];
  readonly versions: Readonly<Record<string, RecordVersions>>;
  /** SHA-256 of the recovery codes that were used. */
  readonly burntRecovery: readonly string[];
}

/** What the clocks say, read once for one decision. */
export interface Now {
  readonly wallMs: number;
  readonly bootMs: number;
  readonly bootId: string;
  /** RFC 6238 §4.2: floor(wall seconds / period). */
  readonly step: number;
  readonly periodS: number;
}

export const emptyState = (bootId: string): OperatorState => ({
  bootId,
  lastStep: -1,
  floorStep: 0,
  failures: { terminal: 0, relay: 0 },
  locked: false,
  coolOff: {},
  front: null,
  waiting: [],
  decided: [],
  leftBootMs: null,
  leases: [],
  grants: [],
  operations: [],
  versions: {},
  burntRecovery: [],
});

/** Front and waiting requests, in order. */
export const pendingOf = (state: OperatorState): readonly QueuedRequest[] =>
  state.front === null ? state.waiting : [state.front, ...state.waiting];
