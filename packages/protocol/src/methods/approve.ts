/** Methods of approve/OP.sock: the operator's own airlock-ctl to airlock-totp. docs/spec/approval.md */
import type { Json } from '../canonical.js';
import type { Destination } from '../destination.js';
import type { Settings } from '../connector.js';
import type { Constraints, RequestStatus } from './agent.js';
import type { PresenceView } from '../presence.js';
import {
  bool,
  byteCount,
  callCount,
  closed,
  code,
  destination,
  digest,
  fieldNames,
  freeObject,
  id,
  integer,
  kind,
  name,
  nothing,
  scopes,
  service,
  settings,
  text,
} from './shapes.js';

export type RequestKind = 'lease' | 'action' | 'operation';
export type Channel = 'terminal' | 'relay';

/** A request as every list shows it (interfaces.md). `digest` is the SHA-256 of the UTF-8 of the text that is displayed. */
export interface RequestView {
  readonly id: string;
  readonly kind: RequestKind;
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  readonly scopes: readonly string[];
  readonly reason: string;
  readonly intent: string | null;
  readonly match: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly digest: string;
  readonly summary: string;
}
/** The front request with all that the human has to see before a code is given. */
export interface ShownRequest extends RequestView {
  readonly text: string;
  /** True where a bare code is not enough and the match number has to be given too. */
  readonly needsMatch: boolean;
  /** Seconds until a code can be accepted (floor rule, last used step); 0 if the code of now can be. */
  readonly waitS: number;
}
export interface PendingResult {
  readonly front: ShownRequest | null;
  readonly waiting: readonly RequestView[];
}
export interface LeaseView {
  readonly id: string;
  readonly role: string;
  /** null: a grant that nobody has claimed yet. */
  readonly session: string | null;
  readonly scopes: readonly string[];
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly callsLeft?: number;
  readonly unclaimed?: true;
}
/** A grant as the operator is told of it. */
export interface GrantView {
  readonly grant: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string;
}
export interface ApproveParams {
  readonly request: string;
  readonly digest: string;
  readonly code: string;
  readonly match?: string;
}
export interface ApproveResult {
  readonly request: string;
  readonly lease?: Pick<LeaseView, 'id' | 'role' | 'scopes' | 'expiresAt'>;
  /** One-shot ticket of an action, given to the connection that opened it only. */
  readonly ticket?: string;
  /** What the action `grant` gave. */
  readonly grant?: GrantView;
}
export interface ChannelStatus {
  readonly locked: boolean;
  readonly triesLeft: number;
}
export interface ApproveStatus {
  readonly enrolled: boolean;
  readonly locked: boolean;
  /** Seconds until the phone shows another code. */
  readonly nextStepInS: number;
  readonly queue: number;
  readonly leases: number;
  readonly lockout: { readonly terminal: ChannelStatus; readonly relay: ChannelStatus };
  /** Why the daemon serves nothing but diagnosis, or null. */
  readonly sealed: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** The gateway's log did not continue what was signed (BRIDGE-6); absent where it always did, or since an unlock. */
  readonly alert?: AuditAlertView;
  /** Whether the operator is there, as far as is known; absent while sealed so early that it knows no operators. */
  readonly presence?: PresenceView;
  readonly version: string;
  readonly now: string;
}
/** Answer of export.sign: the signed note, and the public keys of everything in the export, in their text forms. */
export interface ExportSigned {
  readonly note: string;
  readonly keys: { readonly export: string; readonly gateway: string; readonly totp: string };
}
/** What every operator is told until one unlocks. */
export interface AuditAlertView {
  readonly at: string;
  readonly message: string;
}

/** What an operator can ask for. The parameters are displayed, digested and handed to whoever redeems the ticket. */
export type Action =
  | {
      readonly verb: 'service.add';
      readonly params: {
        readonly service: string;
        readonly kind: string;
        readonly settings: Settings;
        readonly destination: Destination;
        readonly fields: readonly string[];
        /** Try the login in a cell before anything is stored. */
        readonly test: boolean;
      };
    }
  | { readonly verb: 'service.remove'; readonly params: { readonly service: string } }
  | { readonly verb: 'service.test'; readonly params: { readonly service: string } }
  | {
      readonly verb: 'service.accept';
      readonly params: { readonly service: string; readonly digest: string; readonly changes: readonly string[] };
    }
  | {
      readonly verb: 'credentials.add';
      readonly params: {
        readonly service: string;
        readonly kind: string;
        readonly destination: Destination;
        readonly fields: readonly string[];
        readonly test: boolean;
      };
    }
  | { readonly verb: 'credentials.get'; readonly params: { readonly service: string; readonly fields: readonly string[] } }
  | { readonly verb: 'credentials.remove'; readonly params: { readonly service: string; readonly fields: readonly string[] } }
  | {
      readonly verb: 'grant';
      readonly params: {
        readonly role: string;
        readonly scopes: readonly string[];
        readonly ttlS: number;
        readonly intent?: string;
        readonly calls?: number;
        readonly bytes?: number;
        readonly constraints?: Constraints;
      };
    }
  | { readonly verb: 'unblock'; readonly params: { readonly role: string; readonly session?: string } }
  | {
      readonly verb: 'policy.apply';
      readonly params: { readonly digest: string; readonly changes: readonly string[] };
    }
  | { readonly verb: 'unlock'; readonly params: Readonly<Record<string, never>> }
  | { readonly verb: 'totp.reset'; readonly params: Readonly<Record<string, never>> }
  | { readonly verb: 'rotate'; readonly params: { readonly endLeases?: boolean } }
  /** A backup over what is there: `made` is its time, `digest` as by `restoreDigest`. */
  | { readonly verb: 'restore'; readonly params: { readonly made: string; readonly digest: string } }
  /** One service of a backup; never opened by anybody, its ticket comes from a restore that root began. */
  | {
      readonly verb: 'service.restore';
      readonly params: { readonly service: string; readonly digest: string; readonly restore: string };
    };

export type ActionVerb = Action['verb'];

const credentialAction = { service, kind, destination, fields: fieldNames, test: bool };

const changeLines = { type: 'array', minItems: 1, maxItems: 48, items: text(200) };

/** Schema of `params` per verb; a verb that is not here does not exist. */
export const ACTION_SCHEMAS = {
  'action.service.add': closed({ ...credentialAction, settings }),
  'action.service.remove': closed({ service }),
  'action.service.test': closed({ service }),
  'action.service.accept': closed({ service, digest, changes: changeLines }),
  'action.credentials.add': closed(credentialAction),
  'action.credentials.get': closed({ service, fields: fieldNames }),
  'action.credentials.remove': closed({ service, fields: fieldNames }),
  'action.grant': closed(
    {
      role: name,
      scopes,
      ttlS: integer(1, 86_400),
      intent: text(2048),
      calls: callCount,
      bytes: byteCount,
      constraints: freeObject,
    },
    ['intent', 'calls', 'bytes', 'constraints'],
  ),
  'action.unblock': closed({ role: name, session: id }, ['session']),
  'action.policy.apply': closed({ digest, changes: changeLines }),
  'action.unlock': nothing,
  'action.totp.reset': nothing,
  'action.rotate': closed({ endLeases: bool }, ['endLeases']),
  'action.restore': closed({ made: text(40), digest }),
  'action.service.restore': closed({ service, digest, restore: id }),
} as const satisfies Record<`action.${ActionVerb}`, unknown>;

export interface ActionOpenResult {
  readonly request: RequestView;
  /** 0: in front. */
  readonly position: number;
}
export interface ActionWaitResult {
  readonly status: RequestStatus;
  readonly ticket?: string;
  readonly grant?: GrantView;
  readonly reason?: string;
}
/** What enrolment shows to the human, once. */
export interface EnrolBeginResult {
  readonly otpauth: string;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** What the second code approves as well, as it has to be shown (ENROL-5); only where actions were given. */
  readonly actions?: { readonly text: string; readonly digest: string };
}
export interface EnrolCodeResult {
  readonly enrolled: boolean;
  /** Codes still to be given, each of the step right after the one before. */
  readonly codesNeeded: number;
  /** Seconds the phone's clock is ahead of (positive) or behind this machine, as far as the code tells. */
  readonly driftS: number;
  /** With the second code: one ticket for each action of the list, in its order (ENROL-6). */
  readonly tickets?: readonly string[];
}
export interface LogSegment {
  readonly name: string;
  readonly bytes: number;
}
export interface LogChunk {
  readonly data: string;
  readonly next: number | null;
}

export const LOG_SCHEMAS = {
  'log.segments': nothing,
  /** Bytes of one segment, base64url, at most 512 KiB. */
  'log.read': closed({
    segment: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}\\.jsonl$' },
    offset: integer(0, 2 ** 53 - 1),
  }),
} as const;

export const APPROVE_SCHEMAS = {
  ...LOG_SCHEMAS,
  'approve.status': nothing,
  'approve.pending': nothing,
  'approve.request.approve': closed({ request: id, digest, code, match: { type: 'string', pattern: '^[0-9]{2}$' } }, ['match']),
  'approve.request.deny': closed({ request: id, all: bool, reason: text(140) }, ['request', 'all', 'reason']),
  'approve.action.open': closed({ verb: text(32), params: freeObject }),
  'approve.action.wait': closed({ request: id, timeoutS: integer(0, 50) }),
  'approve.action.cancel': closed({ request: id }),
  'approve.leases': nothing,
  'approve.revoke': closed({ lease: id, all: bool }, ['lease', 'all']),
  'approve.lock': nothing,
  'approve.heads': nothing,
  /** Signs the digest of an export (docs/spec/export.md). */
  'approve.export.sign': closed({ digest }),
  /** The public keys of everything in an export. */
  'approve.export.keys': nothing,
  /** From now on this connection gets the notifications request.fronted, request.decided, lease.ended, locked. */
  'approve.subscribe': nothing,
  'approve.reset.recover': closed({ recoveryCode: text(64) }),
  'approve.enrol.begin': closed({ ticket: id }),
  'approve.enrol.code': closed({ code }),
} as const;

/** Extra facts of a request that its displayed text is built from. */
export interface RequestFacts {
  readonly constraints: Constraints;
  readonly ttlS: number;
  readonly action: Action | null;
  readonly operation: { readonly service: string; readonly operation: string; readonly params: Json } | null;
}
