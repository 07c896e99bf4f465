/** Methods of agent/ROLE.sock, and under the built-in role `operator` of operator/OP.sock. */
import type { Json } from '../canonical.js';
import type { Params } from '../connector.js';
import type { ExchangeEvent, ExchangeMcp } from '../exchange.js';
import type { ScopeClass } from '../scope.js';
import type { PresenceReason } from '../presence.js';
import {
  channel,
  closed,
  exchangeMcp,
  freeObject,
  id,
  integer,
  lease,
  nothing,
  operation,
  reply,
  scopes,
  service,
  text,
} from './shapes.js';

export type Constraints = Readonly<Record<string, Json>>;
export type RequestStatus = 'pending' | 'approved' | 'denied' | 'expired';

export interface HelloParams {
  readonly client: string;
  readonly protocol: number;
  readonly resume?: string;
}
export interface HelloResult {
  readonly server: string;
  readonly protocol: 1;
  readonly role: string;
  readonly session: string;
  readonly resume: string;
  readonly limits: Readonly<Record<string, number>>;
}
export interface OperationSummary {
  readonly name: string;
  /** MCP tool name of the operation, without `airlock_`. */
  readonly tool?: string;
  readonly class: ScopeClass;
  readonly outward: boolean;
  readonly untrusted: boolean;
  readonly summary: string;
  /** True where every single call needs its own approval. */
  readonly approval: boolean;
}
export interface ServiceSummary {
  readonly service: string;
  readonly kind: string;
  readonly title: string;
  readonly operations: readonly OperationSummary[];
}
/** Answer of tools.search and tools.describe. */
export interface ToolDescription extends OperationSummary {
  readonly service: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>>;
  readonly description?: string;
  /** The tool as an upstream MCP server defines it. */
  readonly mcp?: Readonly<Record<string, Json>>;
}
export interface AccessRequestParams {
  /** Absent only where `renew` is given: then those of that lease. */
  readonly scopes?: readonly string[];
  readonly reason: string;
  readonly intent?: string;
  readonly ttlS?: number;
  readonly constraints?: Constraints;
  /** Id of a live lease of this session, which ends when the new one is delivered. */
  readonly renew?: string;
}
export interface AccessRequestResult {
  readonly request: string;
  readonly status: 'pending';
  readonly position: number;
  readonly match: string;
  readonly expiresAt: string;
  readonly pollIntervalS: number;
}
export interface AccessWaitResult {
  readonly status: RequestStatus;
  readonly lease?: string;
  readonly expiresAt?: string;
  readonly reason?: string;
}
export interface AgentLease {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string;
  readonly callsLeft?: number;
  /** Bytes of results, where the lease has a limit of them. */
  readonly bytesLeft?: number;
}
/** What an operator granted this role unasked and nobody claimed yet. */
export interface AgentGrant {
  readonly id: string;
  readonly scopes: readonly string[];
  /** End of the grant, and of the lease it becomes. */
  readonly expiresAt: string;
  /** The lease is bound to it. */
  readonly intent?: string;
}
export interface ClaimResult {
  readonly lease: string;
  readonly expiresAt: string;
  /** To be sent with every call, where the lease is bound to one. */
  readonly intent?: string;
}
/** Since when a session has content that others wrote, and from which operation it got it first. */
export interface Taint {
  readonly sinceMs: number;
  readonly service: string;
  readonly operation: string;
}
/** A session, or a whole role, that did what no agent does in normal use (docs/spec/anomalies.md). */
export interface BlockView {
  readonly role: string;
  /** null: the whole role. */
  readonly session: string | null;
  readonly kind: 'rate' | 'denials' | 'errors' | 'ids' | 'scopes' | 'codes';
  /** `more than N …`. */
  readonly reason: string;
  readonly since: string;
  readonly until: string;
  readonly retryAfterMs: number;
}
export interface AccessStatus {
  readonly role: string;
  readonly session: string;
  /** Nothing is served: the operator locked, or is not there. */
  readonly locked: boolean;
  /** Why, where it is presence that freezes (docs/spec/presence.md); absent where it does not. */
  readonly frozen?: readonly PresenceReason[];
  readonly tainted: boolean;
  readonly taint: Taint | null;
  readonly blocked: BlockView | null;
  readonly leases: readonly AgentLease[];
  readonly pending: readonly { readonly request: string; readonly match: string; readonly expiresAt: string }[];
  readonly grants: readonly AgentGrant[];
}
export interface CallParams {
  readonly lease: string;
  readonly service: string;
  readonly operation: string;
  readonly params: Params;
  readonly context?: {
    readonly intent?: string;
    /** Name under which this call can be cancelled while it runs, and under which its events come. */
    readonly channel?: string;
    /** Only with a channel: what the caller's MCP client said, and the wish for events and questions. */
    readonly mcp?: ExchangeMcp;
  };
}
export interface CallMeta {
  /** `seq` of the audit record of this call. */
  readonly audit: number;
  readonly masked: number;
  readonly truncated: boolean;
  /** 0 to 1. */
  readonly risk: number;
  /** Signatures of injections in the result, by name (docs/spec/guard.md GUARD-15); left out where there are none. */
  readonly signatures?: readonly string[];
}
export interface CallResult {
  readonly result: Json;
  readonly meta: CallMeta;
}

/** What the gateway tells a session unasked; `lease` is the id, never the text. */
export type AgentNotification =
  /** What the service says or asks during a call of this connection. */
  | { readonly method: 'call.event'; readonly params: { readonly channel: string; readonly event: ExchangeEvent } }
  /** What a service says outside calls, to a session with a live lease on it. */
  | { readonly method: 'service.event'; readonly params: { readonly service: string; readonly event: ExchangeEvent } }
  | {
      readonly method: 'access.decided';
      readonly params: { readonly request: string; readonly status: Exclude<RequestStatus, 'pending'>; readonly reason?: string };
    }
  /** Its operations are others now, or it came or went. */
  | { readonly method: 'services.changed'; readonly params: { readonly service: string } }
  | { readonly method: 'lease.expiring'; readonly params: { readonly lease: string; readonly expiresAt: string } }
  | {
      readonly method: 'lease.ended';
      readonly params: { readonly lease: string; readonly why: 'expired' | 'revoked' | 'released' | 'renewed' | 'reboot' };
    };

export const AGENT_SCHEMAS = {
  'agent.hello': closed({ client: text(128), protocol: integer(1, 1), resume: id }, ['resume']),
  'agent.services.list': nothing,
  'agent.tools.search': closed({ query: text(256) }),
  'agent.tools.describe': closed({ names: { type: 'array', minItems: 1, maxItems: 64, items: text(128) } }),
  'agent.access.request': closed(
    { scopes, reason: text(140), intent: text(2048), ttlS: integer(1, 86_400), constraints: freeObject, renew: id },
    ['scopes', 'intent', 'ttlS', 'constraints', 'renew'],
  ),
  'agent.access.wait': closed({ request: id, timeoutS: integer(0, 50) }),
  'agent.access.claim': closed({ grant: id }),
  'agent.access.release': closed({ lease }),
  'agent.access.status': nothing,
  'agent.call': closed(
    {
      lease,
      service,
      operation,
      params: { type: 'object', maxProperties: 64 },
      context: closed({ intent: text(2048), channel, mcp: exchangeMcp }, ['intent', 'channel', 'mcp']),
    },
    ['context'],
  ),
  'agent.call.result': closed({ request: id }),
  'agent.call.reply': reply,
  'agent.call.cancel': closed({ channel }),
} as const;
