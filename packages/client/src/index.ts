/** The agents' library: ask for access, then call typed operations. */
export type { Access, AccessCore, CallChoice, AccessEnd, GrantedLease, OpenHandle } from './access.js';
export { clientName } from './agent-name.js';
export {
  connectAirlock,
  type AccessOptions,
  type Airlock,
  type AirlockCore,
  type ConnectOptions,
  type KnownServices,
} from './airlock.js';
export { DEFAULT_BACKOFF, type Backoff } from './backoff.js';
export type * from './calendar.js';
export * from './calls/index.js';
export { awaitDecision, decisionOf, type Decision, type DecisionOptions } from './decision.js';
export { isAirlockError } from './errors.js';
export type { AccessDecided, LeaseEnded, LeaseExpiring, ServiceEvent, ServicesChanged, SessionEvents } from './events.js';
export { callOnChannel, type ChannelChoice, type ExchangeChoice } from './exchange.js';
export { claimGrant, coveringGrant, type Claimed } from './grants.js';
export { leaseStore, type LeaseStore, type LeaseStoreOptions } from './lease-store.js';
export type * from './mail.js';
export { operationName } from './names.js';
export { ENFORCED_CONSTRAINTS, leaseFacts, narrow, type LeaseFacts, type Narrowing } from './narrow.js';
export { awaitOutcome, pendingOperation } from './outcome.js';
export { readPrivate, writePrivate } from './private-file.js';
export { Session, type SessionOptions } from './session.js';
export { roleMemory, type RoleMemory } from './remembered-role.js';
export { chooseAgentSocket, findAgentSocket, knownRoles, runtimeDir } from './socket.js';
export type { AgentSocket, ChosenSocket, Env, SocketChoice, SocketReason } from './socket.js';
export { narrowLease } from '@airlock/lease';
export {
  AirlockError,
  ERRORS,
  isName,
  parseJsonStrict,
  parseScope,
  scopeCovers,
  systemClock,
  systemTimers,
} from '@airlock/protocol';
export type {
  AccessRequestParams,
  AccessRequestResult,
  AccessStatus,
  AccessWaitResult,
  AgentGrant,
  AgentLease,
  CallMeta,
} from '@airlock/protocol';
export type { CallResult, Constraints, ErrorCode, ErrorData, Json, OperationSummary, Params, Scope } from '@airlock/protocol';
export type { ExchangeMcp, ServiceSummary, Timers, TimerHandle, ToolDescription } from '@airlock/protocol';
