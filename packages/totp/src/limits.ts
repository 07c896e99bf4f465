/** The numbers of docs/spec/approval.md and release.md, unit in the name, clause beside it. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const TOTP_LIMITS = {
  /** QUEUE-7: requests of agents that wait or are in front. */
  maxAgentRequests: 8,
  /** QUEUE-7: of one role. */
  maxRoleRequests: 3,
  /** QUEUE-7: places of the operator. */
  maxOperatorRequests: 4,
  /** QUEUE-8: first cool-off; doubled each time. */
  coolOffMs: 5 * SECOND_MS,
  /** QUEUE-8: longest cool-off. */
  maxCoolOffMs: 60 * MINUTE_MS,
  /** QUEUE-9. */
  maxFailures: 10,
  /** QUEUE-6: how long a front that left undecided or denied makes the match number necessary. */
  matchAfterLeaveMs: 5 * MINUTE_MS,
  /** QUEUE-5: steps by which the floor rises above the current one: the window's later half and one more. */
  floorSteps: 2,
  /** QUEUE-4: steps accepted on either side of the current one (RFC 6238 §5.2 recommends one). */
  windowSteps: 1,
  /** approval.md "Requests": a text above this is refused when the request is opened. */
  maxTextBytes: 4096,
  /** Canonical JSON of an operation's parameters: whatever is longer than this is above maxTextBytes when shown. */
  maxOperationBytes: 8192,
  /** architecture.md: no request stays in front longer, whatever the configuration says. */
  maxRequestTtlS: 600,
  /** QUEUE-11. */
  ticketTtlMs: 120 * SECOND_MS,
  /** QUEUE-11: how often a login may be tried under one approval. */
  ticketTries: 3,
  /** OPERATION-4: from approval to take. */
  operationTtlMs: 10 * MINUTE_MS,
  /** OPERATION-4: from the release of the key; a call takes at most 55 s. */
  operationRunMs: 2 * MINUTE_MS,
  /** ENROL-6: time for several services, and for making an app password anew. */
  enrolmentTicketTtlMs: 5 * MINUTE_MS,
  /** ENROL-7: how far off the clock of a phone being enrolled is looked for. */
  enrolmentDriftMs: 10 * MINUTE_MS,
  /** RELEASE-1. */
  releaseTicketTtlMs: 10 * SECOND_MS,
  /** RELEASE-11. */
  trialMs: 60 * SECOND_MS,
  /** Decided requests whose outcome can still be asked for. */
  maxDecided: 64,
  /** Live leases of one operator: far above what a person approves, below what a snapshot can hold. */
  maxLeases: 2048,
  /** Grants of one operator that nobody has claimed: a person keeps no more in mind. */
  maxGrants: 32,
  /** Release tickets not yet used, all operators together: a gateway needs one a cell. */
  maxReleaseTickets: 1024,
  /** An enrolment that was begun and not finished. */
  enrolmentTtlMs: 15 * MINUTE_MS,
  /** AUDIT-27: between two segments of the log that are removed because of their age. */
  pruneIntervalMs: 60 * MINUTE_MS,
  /** Real time between two looks at the clock (docs/design/runtime.md). */
  tickMs: 100,
  /** The longest an answer of action.wait is held back is 50 s; how many such waits one operator may have. */
  maxWaiters: 64,
  /** From connecting to RELEASE_REQUEST: a cell has it ready. */
  releaseRequestTimeoutMs: 10 * SECOND_MS,
} as const;
