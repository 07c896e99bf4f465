/** Every limit of airlock-presence, unit in the name, reason beside it. */

export const PRESENCE_LIMITS = {
  /** Between two reports where nothing changes: three may be missed before `silence_seconds` are over. */
  heartbeatMs: 5000,
  /** A report that is not answered within this is sent again. */
  reportTimeoutMs: 3000,
  /** Between two attempts to report to airlock-totp, or to reach the bus. */
  retryMs: 1000,
  /** A call that logind or the bus does not answer within this means that they do not answer. */
  callTimeoutMs: 5000,
  /** PRESENCE-9: between two readings of logind, which the signals of any session ask for. */
  readPauseMs: 50,
  /** How long `Lock` counts where no locker sets LockedHint. */
  askedLockMs: 10_000,
  /** PRESENCE-8: from waking to the end of `sleep`, so that a locker that is slow comes first. */
  wakeMs: 3000,
  /** PRESENCE-9: logind's answers are a few KiB; what is longer is of somebody else, and passed over. */
  maxMessageBytes: 1_048_576,
  /** What the specification allows; a bus that sends more is none. */
  maxWireBytes: 134_217_728,
  /** The line of the authentication; the bus sends some fifty bytes. */
  maxAuthBytes: 1024,
  /** Containers within containers in a signature; the specification allows 64. */
  maxDepth: 32,
  /** Sessions that are looked at; a machine with more has no screens for them. */
  maxSessions: 256,
} as const;
