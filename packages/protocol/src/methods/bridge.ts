/** Methods of bridge.sock: airlock-gateway to airlock-totp, and the notifications that come back. docs/spec/release.md */
import type { Action, ActionVerb } from './approve.js';
import type { Constraints, RequestStatus } from './agent.js';
import type { PresenceReason } from '../presence.js';
import {
  base64url,
  byteCount,
  callCount,
  closed,
  digest,
  freeObject,
  id,
  integer,
  name,
  nothing,
  operation,
  scopes,
  service,
  text,
} from './shapes.js';

/** What a lease may use up: calls, bytes of results as JSON. At least one member. */
export type Budget = Readonly<Partial<Record<'calls' | 'bytes', number>>>;

/** A live lease as airlock-totp's register has it. */
export interface RegisteredLease {
  readonly id: string;
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  readonly scopes: readonly string[];
  readonly constraints: Constraints;
  /** `service:operation` of each write that needs no approval of its own where policy says so; sorted (UNATTENDED-1). */
  readonly unattended?: readonly string[];
  /** It lived when presence froze: what writes or sends out needs an approval of its own (PRESENCE-3). */
  readonly stepUp?: true;
  /** Intent hash, or null. */
  readonly intent: string | null;
  readonly budget: Budget | null;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly bootDeadlineMs: number;
}
export type LeaseEnd = 'expired' | 'revoked' | 'released' | 'renewed' | 'reboot';

/** What an operator granted a role unasked, until it is claimed (docs/spec/approval.md "Grants"). */
export interface RegisteredGrant {
  readonly id: string;
  readonly operator: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** The text itself: who claims has to be told what the lease is bound to. */
  readonly intent: string | null;
  /** Absent where there are none. */
  readonly constraints?: Constraints;
  /** As of a lease, which the lease it becomes keeps. */
  readonly stepUp?: true;
  readonly budget: Budget | null;
  readonly issuedMs: number;
  /** On both clocks: end of the grant, and of the lease it becomes. */
  readonly expiresMs: number;
  readonly bootDeadlineMs: number;
}
export type GrantEnd = 'claimed' | 'expired' | 'revoked' | 'reboot';

/** A log begun anew: by which decision, and the last signed head of the one before. */
export interface BegunAnew {
  readonly id: string;
  readonly size: number;
  readonly hash: string;
}
/** What the gateway holds of its own log when it says hello. */
export interface HeldHead {
  /** The newest signed note; absent before the first. */
  readonly head?: string;
  /** Id of the decision that the log began with; absent where it never began anew. */
  readonly begunAnew?: string;
}
/** A restore that took effect and is not in force at the gateway yet, as far as it said (BACKUP-12). */
export interface DueRestore {
  readonly id: string;
  /** Whose services are those of the backup, and no others. */
  readonly operators: readonly string[];
  /** By `servicesDigest`. */
  readonly services: string;
}
export interface BridgeHelloResult {
  readonly bootId: string;
  /** Key id of the lease key, whose bytes follow in a binary frame (LEASE_KEY). */
  readonly kid: string;
  /** `rewrap`: keys may be wrapped for a phone that was replaced (ENROL-8). */
  readonly operators: readonly {
    readonly operator: string;
    readonly enrolled: boolean;
    readonly locked: boolean;
    /** What freezes the leases beside a lock; absent where nothing does. */
    readonly presence?: readonly PresenceReason[];
    readonly rewrap?: boolean;
  }[];
  readonly leases: readonly RegisteredLease[];
  readonly grants: readonly RegisteredGrant[];
  /** Last head signed for the gateway's log, as a signed note; null before the first. */
  readonly head: string | null;
  /** The gateway's log is to begin anew, after this head that was given up (ACCEPT-4). */
  readonly begunAnew?: BegunAnew;
  /** The head that airlock-totp gave up of its own log. */
  readonly ownBegunAnew?: BegunAnew;
  /** What is held for this restore counts from now on (BACKUP-5); absent once the gateway said that it is in force. */
  readonly restored?: DueRestore;
}
export interface OpenRequestResult {
  readonly request: string;
  readonly match: string;
  readonly position: number;
  readonly expiresAt: string;
  readonly merged: boolean;
}
export interface RequestState {
  readonly status: RequestStatus;
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  readonly match: string;
  readonly expiresAt: string;
  readonly reason?: string;
  /** Id of the lease, once approved. */
  readonly lease?: string;
}
export interface RedeemedAction {
  readonly operator: string;
  readonly action: Action;
  /** Ticket for a trial release of 60 s, where the verb has one. */
  readonly trial: string | null;
}
/** Answer of request.take: the lease text, once. */
export interface TakenLease {
  readonly lease: string;
  readonly expiresAt: string;
}
/** Answer of grant.claim: the lease text, once. */
export interface ClaimedGrant extends TakenLease {
  readonly intent: string | null;
}
/** Answer of operation.take: a release ticket for the one cell that runs what was approved. */
export interface TakenOperation {
  readonly ticket: string;
  readonly digest: string;
}
/** Answer of ticket.create: 32 random bytes, base64url. */
export interface TicketResult {
  readonly ticket: string;
}
/** Answer of head.sign: the signed note. */
export interface SignedHeadResult {
  readonly head: string;
}
export type BridgeNotification =
  | {
      readonly method: 'request.fronted';
      readonly params: { readonly operator: string; readonly request: string; readonly role: string };
    }
  | {
      readonly method: 'request.decided';
      readonly params: {
        readonly operator: string;
        readonly request: string;
        readonly status: Exclude<RequestStatus, 'pending'>;
        readonly reason?: string;
      };
    }
  | { readonly method: 'lease.issued'; readonly params: { readonly lease: RegisteredLease; readonly request: string } }
  | { readonly method: 'lease.ended'; readonly params: { readonly lease: string; readonly why: LeaseEnd } }
  | { readonly method: 'grant.issued'; readonly params: { readonly grant: RegisteredGrant } }
  | { readonly method: 'grant.ended'; readonly params: { readonly grant: string; readonly why: GrantEnd } }
  | {
      readonly method: 'locked';
      readonly params: { readonly operator: string; readonly locked: boolean; readonly presence?: readonly PresenceReason[] };
    }
  | { readonly method: 'lease.marked'; readonly params: { readonly leases: readonly string[] } }
  | { readonly method: 'enrolled'; readonly params: { readonly operator: string; readonly enrolled: boolean } };

const operator = name;
export const BRIDGE_SCHEMAS = {
  'bridge.hello': closed(
    { protocol: integer(1, 1), head: text(1024), begunAnew: { type: 'string', pattern: '^[0-9a-f]{18}$' } },
    ['head', 'begunAnew'],
  ),
  'bridge.heartbeat': nothing,
  'bridge.request.open': closed(
    {
      operator,
      role: name,
      session: id,
      scopes,
      reason: text(140),
      intent: text(2048),
      ttlS: integer(1, 86_400),
      constraints: freeObject,
      budget: { ...closed({ calls: callCount, bytes: byteCount }, ['calls', 'bytes']), minProperties: 1 },
      renew: id,
      unattended: { type: 'array', minItems: 1, maxItems: 64, uniqueItems: true, items: text(130) },
      client: text(128),
    },
    ['intent', 'budget', 'renew', 'unattended', 'client'],
  ),
  'bridge.request.get': closed({ request: id }),
  /** Hands out the lease text of an approved request, once. */
  'bridge.request.take': closed({ request: id }),
  /** Puts one call of an agent before the human (approval.md "Operation requests"). */
  'bridge.operation.open': closed(
    {
      operator,
      role: name,
      session: id,
      lease: id,
      service,
      operation,
      class: { enum: ['read', 'use', 'write'] },
      params: freeObject,
      client: text(128),
    },
    ['client'],
  ),
  /** The ticket of an approved operation, once. */
  'bridge.operation.take': closed({ request: id }),
  /** Turns a grant into a lease of the session, once. */
  'bridge.grant.claim': closed({ grant: id, operator, role: name, session: id }),
  'bridge.ticket.create': closed({ lease: id, service }),
  'bridge.action.redeem': closed({ ticket: id, operator, verb: text(32) }),
  'bridge.record.committed': closed({ operator, service, version: integer(1, 2 ** 31) }),
  /** Wraps the key of a stored record for the phone that approves now (ENROL-8). */
  'bridge.record.rewrap': closed({ operator, header: base64url, wrapped: base64url }),
  /** Every record that is stored, durably (ENROL-9). */
  'bridge.records.rewrapped': closed({
    operator,
    records: { type: 'array', maxItems: 1024, items: closed({ header: base64url, wrapped: base64url }) },
  }),
  'bridge.record.removed': closed({ operator, service }),
  'bridge.lease.release': closed({ lease: id }),
  /** One service of an open restore, durably (BACKUP-11). */
  'bridge.restore.held': closed({ restore: id, operator, service }),
  /** What was due of a restore is in force, durably (BACKUP-12). */
  'bridge.restore.applied': closed({ restore: id }),
  'bridge.head.sign': closed(
    { size: integer(0, 2 ** 53 - 1), digests: { type: 'array', maxItems: 4096, items: digest }, hash: digest },
    ['hash'],
  ),
} as const;

/** What redeeming a ticket lets its holder do, by verb. */
export const ACTION_RIGHTS: Readonly<Record<ActionVerb, readonly ('seal' | 'redeem' | 'trial' | 'open')[]>> = {
  'service.add': ['seal', 'redeem', 'trial'],
  'service.remove': ['redeem'],
  'service.accept': ['redeem'],
  'service.test': ['redeem', 'trial'],
  'credentials.add': ['seal', 'redeem', 'trial'],
  'credentials.get': ['open'],
  'credentials.remove': ['redeem'],
  grant: [],
  unblock: ['redeem'],
  'policy.apply': ['redeem'],
  unlock: [],
  'totp.reset': [],
  rotate: [],
  restore: [],
  'service.restore': ['redeem'],
};
