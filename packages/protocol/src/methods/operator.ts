/** Methods of operator/OP.sock: airlock-ctl to airlock-gateway. The methods of the agent socket are served there too, as role `operator`. */
import type { ConnectorManifest, ListedOperation, Settings } from '../connector.js';
import type { Json } from '../canonical.js';
import type { Destination } from '../destination.js';
import type { BlockView, Taint } from './agent.js';
import type { SealedRecordText } from './cell.js';
import {
  bool,
  closed,
  freeObject,
  id,
  integer,
  name,
  nothing,
  operation,
  scopes,
  sealedRecord,
  service,
  text,
} from './shapes.js';

export interface ServiceView {
  readonly service: string;
  readonly kind: string;
  readonly title: string;
  readonly settings: Settings;
  readonly destination: Destination;
  /** Names of the fields whose values are sealed. */
  readonly fields: readonly string[];
  /** When the credential was last sealed; null where none is stored yet. */
  readonly updatedAt: string | null;
}
export interface GatewayStatus {
  readonly version: string;
  readonly now: string;
  readonly sealed: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Milliseconds since airlock-totp was last heard of; null: never. */
  readonly heartbeatAgeMs: number | null;
  readonly services: number;
  readonly sessions: number;
  /** Sessions and roles of this operator that are blocked now. */
  readonly blocked: number;
  readonly cells: { readonly live: number; readonly slots: number };
  readonly roles: readonly string[];
  readonly isolation: 'users' | 'same-user' | 'none';
  readonly audit: { readonly records: number; readonly freeBytes: number };
  /** Why the policy files are not what is in force, or null; how many changes wait for a code. */
  readonly rules: { readonly problem: string | null; readonly staged: number };
  /** Id of the last restore that is in force here, or null (BACKUP-12). */
  readonly restored: string | null;
}
/** The rules in force, and what waits. */
export interface PolicyStatus {
  readonly digest: string;
  readonly permissions: { readonly default: 'read'; readonly allow: readonly string[] };
  readonly policies: readonly Readonly<Record<string, Json>>[];
  readonly attachments: Readonly<Record<string, readonly string[]>>;
  /** What the files say and nobody approved yet. */
  readonly staged: { readonly digest: string; readonly changes: readonly string[] } | null;
  /** Why the files are not what is in force, or null. */
  readonly problem: string | null;
}
export interface PolicyReload extends PolicyStatus {
  readonly outcome: 'unchanged' | 'applied' | 'staged' | 'kept';
  /** What was applied, or would be. */
  readonly changes: readonly string[];
}
export interface PolicyTest {
  readonly decision: 'allow' | 'approval' | 'deny';
  readonly policy: string;
  readonly rule: string;
  readonly reason?: string;
  readonly maxRisk?: number;
}
export interface AuditQueryResult {
  /** Lines as they stand in the log, oldest first. */
  readonly lines: readonly string[];
  /** `after` of the next page; null at the end. */
  readonly next: number | null;
}

export const OPERATOR_SCHEMAS = {
  'operator.status': nothing,
  /** Manifests of all kinds that can be added. */
  'operator.kind.list': nothing,
  'operator.service.list': nothing,
  /** Sessions of all roles of this operator, and what is blocked. */
  'operator.session.list': nothing,
  'operator.session.unblock': closed({ ticket: id }),
  /** The rules in force, and what waits for a code. */
  'operator.policy.status': nothing,
  /** Reads the compiled configuration again: what is no wider applies at once, what is wider waits for policy.apply. */
  'operator.policy.reload': nothing,
  'operator.policy.apply': closed({ ticket: id }),
  /** How a call would be decided now, under the rules in force or those that wait. */
  'operator.policy.test': closed(
    {
      role: name,
      service,
      operation,
      params: freeObject,
      /** Empty: an agent that does not say who it is. */
      client: { type: 'string', maxLength: 128 },
      atMs: integer(0, 2 ** 53 - 1),
      tainted: bool,
      staged: bool,
    },
    ['params', 'client', 'atMs', 'tainted', 'staged'],
  ),
  /** Whether an approval could allow these scopes to this role; what could not is refused as in access.request. */
  'operator.grant.check': closed({ role: name, scopes, ttlS: integer(1, 86_400), constraints: freeObject }, ['constraints']),
  'operator.service.add': closed({ ticket: id, record: sealedRecord }, ['record']),
  'operator.service.remove': closed({ ticket: id }),
  'operator.service.test': closed({ ticket: id }),
  /** What a service lists, what was accepted of it, and how the two differ. */
  'operator.service.tools': closed({ service }),
  /** What the program of a service wrote to stderr last. */
  'operator.service.stderr': closed({ service }),
  'operator.service.accept': closed({ ticket: id }),
  /** One service of a backup; `listed` is empty for none. */
  'operator.service.restore': closed({
    ticket: id,
    entry: text(200_000),
    listed: { type: 'string', maxLength: 700_000 },
  }),
  'operator.credentials.put': closed({ ticket: id, record: sealedRecord }),
  'operator.credentials.remove': closed({ ticket: id }),
  /** The sealed record, ciphertext only. */
  'operator.credentials.record': closed({ service }),
  'operator.audit.query': closed(
    {
      service,
      event: text(64),
      sinceMs: integer(0, 2 ** 53 - 1),
      untilMs: integer(0, 2 ** 53 - 1),
      after: integer(0, 2 ** 53 - 1),
      last: integer(1, 10_000),
    },
    ['service', 'event', 'sinceMs', 'untilMs', 'after', 'last'],
  ),
  /** From now on this connection gets a notification audit.record {line} for each new record. */
  'operator.audit.follow': nothing,
  /** Has a fresh head signed, so that verification covers all that was written until now. */
  'operator.audit.checkpoint': nothing,
} as const;

export interface KindList {
  readonly kinds: readonly ConnectorManifest[];
}

export interface SessionView {
  readonly session: string;
  readonly role: string;
  /** What the agent calls itself; null where it says nothing but the name of our own programs, and after a restart until it comes back. */
  readonly client: string | null;
  readonly connected: boolean;
  readonly leases: number;
  readonly taint: Taint | null;
  readonly blocked: BlockView | null;
}
/** Answer of session.list. */
export interface SessionList {
  readonly sessions: readonly SessionView[];
  /** Of single sessions and of whole roles, oldest first. */
  readonly blocks: readonly BlockView[];
}
/** Answer of session.unblock. */
export interface Unblocked {
  /** Blocks that were lifted; 0 where they had ended meanwhile. */
  readonly lifted: number;
}

/** What the program of a service wrote to stderr last; null where nothing was heard since airlock-gateway started. */
export interface ServiceStderr {
  readonly service: string;
  readonly text: string | null;
  readonly at: string | null;
}

/** Operations that a service lists itself. */
export interface ServiceTools {
  readonly service: string;
  readonly accepted: readonly ListedOperation[];
  /** What it lists now and nobody accepted; null where that is the same, or not known. */
  readonly offered: readonly ListedOperation[] | null;
  /** What accepting would change, in words; with `digest` the parameters of the action service.accept. */
  readonly changes: readonly string[];
  /** Of what is offered. */
  readonly digest: string | null;
}

/** Answer of service.list. */
export interface ServiceList {
  readonly services: readonly ServiceView[];
}
/** Answer of service.add, credentials.put and credentials.remove: the service as it is now. */
export interface ServiceChanged {
  readonly service: ServiceView;
}
/** Answer of credentials.record. */
export interface RecordResult {
  readonly record: SealedRecordText;
}
/** Answer of audit.checkpoint: the signed note. */
export interface CheckpointResult {
  readonly head: string;
}
