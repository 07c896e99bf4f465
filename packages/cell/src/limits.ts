/** The limits of a cell, unit in the name, reason beside it. */

const SECOND_MS = 1000;

export const CELL_LIMITS = {
  /** The main thread's sign of life: twice between two checks. */
  beatEveryMs: 100,
  /** docs/spec/release.md CELL-2. */
  checkBeatsEveryMs: 250,
  /**
   * Checks in a row without a sign of life: 2 s. Counted in checks, not in time, so that a process which was
   * stopped or a machine which was suspended does not look like a main thread that stood still.
   */
  maxMissedChecks: 8,
  /** docs/design/runtime.md: every process has one tick. */
  checkDeadlineEveryMs: 100,
  /** airlock-totp records the release durably before it answers; the ticket itself lives 10 s. */
  releaseTimeoutMs: 8 * SECOND_MS,
  /** One call, login included. */
  callTimeoutMs: 30 * SECOND_MS,
  /** One that can be talked with: a human may have to answer. The gateway's limit is a little above. */
  exchangeTimeoutMs: 120 * SECOND_MS,
  /** Risk from which on nothing is told outside a call, where no policy was asked (0 to 1). */
  maxServiceEventRisk: 0.5,
  /** The gateway closes an idle cell after 60 s; one it forgot must not keep its slot. */
  idleTimeoutMs: 180 * SECOND_MS,
  /** Room for the envelope around a result that fills a frame. */
  resultMarginBytes: 64 * 1024,
  /** A manifest of 512 operations with their schemas stays below. */
  maxManifestBytes: 4 * 1024 * 1024,
  /** The watchdog needs no memory to speak of; a cell may take 70 MB in all. */
  watchdogHeapMb: 16,
  watchdogYoungHeapMb: 2,
} as const;

/** Exit codes of the process; only people reading the journal look at them. */
export const EXIT = {
  done: 0,
  /** No socket, or no worker: the unit is wrong. */
  notStarted: 1,
  /** Something was thrown that nobody caught; its text may hold the credential and is not printed. */
  unexpected: 70,
} as const;
