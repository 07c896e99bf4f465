/** Every limit of airlock-gateway, unit in the name, reason beside it. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const MIB = 1024 * 1024;

export const GATEWAY_LIMITS = {
  /** Names of signatures in the answer of a cell: guard knows fewer. */
  maxSignatures: 64,
  /** docs/design/runtime.md: one tick a process, which asks the clock what is over. */
  tickMs: 100,
  /** BRIDGE-2: how often airlock-totp is asked whether it lives. */
  heartbeatMs: 500,
  /** BRIDGE-2: an older answer than this and nothing is served. */
  heartbeatLostMs: 2 * SECOND_MS,
  /** BRIDGE-3: between two attempts to connect; short, since agents wait for it. */
  reconnectMs: 200,
  /** BACKUP-12: between two attempts to put in force what is due. */
  restoreRetryMs: 2 * SECOND_MS,
  /** ENROL-8: between two attempts to wrap every key again. */
  rewrapRetryMs: 2 * SECOND_MS,
  /** An answer of airlock-totp other than a heartbeat; it may wait for a disk. */
  bridgeCallTimeoutMs: 10 * SECOND_MS,

  /** Cell slots there are where the environment does not say (architecture.md). */
  cellSlots: 16,
  /** More than any unit template is started for; a bound for a number from the environment. */
  maxCellSlots: 256,
  /** Slots one role may hold, so that no role starves another. */
  maxSlotsPerRole: 6,
  /** Slots no agent may take: the operator's tests and trials always find one. */
  operatorSlots: 1,
  /** connect() to a slot always succeeds; a cell that starts answers its first byte well before this. */
  cellFirstByteMs: 5 * SECOND_MS,
  /** One operation in a cell; its connector has shorter timeouts of its own. */
  cellExecuteMs: 55 * SECOND_MS,
  /** The same for one that can be talked with. */
  cellExchangeMs: 125 * SECOND_MS,
  /** What a cell may say unasked in a second, for all its calls: 25 that say as much as each may; one beyond is no cell of ours. */
  maxCellEventsPerSecond: 5000,
  /** A cell answers a cancel at once; after this it is not waited for, though it may have written. */
  cancelGraceMs: 3 * SECOND_MS,
  /** Trial login of service.test and credentials.put: a trial release lasts 60 s (RELEASE-11). */
  cellTrialMs: 60 * SECOND_MS,
  /** A cell nobody used for this long gives its slot back. */
  cellIdleMs: 60 * SECOND_MS,
  /** Before RuntimeMaxSec=900 of the unit kills it in the middle of a call. */
  cellMaxAgeMs: 12 * MINUTE_MS,
  /** What one service lists (LIMITS.maxListedChars) as a file, where a character may take three bytes. */
  maxListedFileBytes: 11 * MIB,
  /** A list that flips and flops is recorded and told this often. */
  listedEveryMs: 10 * SECOND_MS,
  /** Services opened ahead when a lease is issued: enough for mail and calendar. */
  openAhead: 2,
  /** Wait before a call that found no slot is tried again. */
  slotRetryMs: 5 * SECOND_MS,
  /** Wait before a call whose cell died is tried again: the next cell takes about 100 ms. */
  cellDiedRetryMs: 250,

  /** Sessions of one role, connected or not; the one unused for longest without a lease goes first. */
  maxSessionsPerRole: 4096,
  /** Sessions whose calls and refusals are counted, least recently seen forgotten first; their role's count stays. */
  maxWatchedSessions: 4096,
  /** Blocked sessions of one role; beyond them the role is blocked, so that their list stays bounded. */
  maxBlockedSessionsPerRole: 32,
  /** A session that begins within this time after its role was tainted is tainted too: reconnecting sheds nothing. */
  inheritTaintMs: 60 * MINUTE_MS,
  /** Positions of one lease's budgets that are counted: a holder can append budgets without end. */
  maxBudgetPositions: 256,
  /** Lease texts whose signature is not checked again: more than 2,000 leases as issued. */
  maxSignedLeaseChars: MIB,
  /** Ended leases remembered, so that each is refused with its own reason. */
  maxEndedLeases: 4096,
  /** Requests remembered for access.wait and access.status. */
  maxTrackedRequests: 1024,
  /** Requests one role may ask for at once, and how fast it gets new ones: humans approve a few an hour. */
  requestBurst: 20,
  requestRefillPerMinute: 20,
  /** Claims one role may try at once, and how fast it gets new ones: an id is found in access.status, never by trying. */
  claimBurst: 10,
  claimRefillPerMinute: 6,
  /** An outcome can be fetched for a day (docs/spec/approval.md). */
  outcomeKeptMs: 24 * 60 * MINUTE_MS,
  /** Outcomes kept of one role: people approve a few an hour. */
  maxOutcomesPerRole: 64,
  /** JSON of one outcome: with its parameters it stays below maxStateFileBytes. */
  maxOutcomeBytes: 512 * 1024,
  /** JSON of an error kept with it; a cell's own have a line of text. */
  maxOutcomeErrorBytes: 16 * 1024,
  /** Wait before an outcome that could not be written is tried again. */
  outcomeRetryMs: 5 * SECOND_MS,
  /** Told while an approved operation runs. */
  resultPollMs: SECOND_MS,
  /** Notice before a lease ends (interfaces.md). */
  expiringNoticeMs: 60 * SECOND_MS,

  /** interfaces.md: `access.wait` holds at most this long. */
  maxWaitS: 50,
  /** Told to agents that would rather poll. */
  pollIntervalS: 5,

  /** Log bytes of one role at once: more than an hour of full-speed calls on two cores. */
  roleLogBurstBytes: 256 * MIB,
  /** In the long run: 0.9 GB a day. */
  roleLogRefillBytesPerS: 10_000,
  /** What two records of a call take in the log, about. */
  callLogBytes: 700,

  /** ACCEPT-8: between two attempts to begin the log anew. */
  beginAnewRetryMs: 2 * SECOND_MS,
  /** architecture.md "Audit": how soon a new record is countersigned. */
  headIntervalMs: SECOND_MS,
  /** AUDIT-27: between two segments that are removed because of their age. */
  pruneIntervalMs: 60 * MINUTE_MS,
  /** The same, where it could not be signed. */
  pruneRetryMs: MINUTE_MS,
  /** bridge.head.sign: digests in one frame. */
  maxDigestsPerHead: 4096,

  /** A service definition with its sealed record, or a manifest: far above any real one. */
  maxStateFileBytes: MIB,
  /** Services of one operator: what one tools.search can list. */
  maxServices: 128,
  /** Manifests over all connector directories. */
  maxManifests: 512,
  /** Results of one tools.search. */
  maxToolsFound: 20,
  /** Lines of one audit.query, and bytes of one answer below the frame limit. */
  maxQueryLines: 1000,
  maxQueryBytes: 2 * MIB,
  /** log.read (methods/approve.ts). */
  maxLogChunkBytes: 512 * 1024,
  /** Lines kept for a slow audit.follow before it is dropped. */
  maxFollowLines: 10_000,
} as const;
