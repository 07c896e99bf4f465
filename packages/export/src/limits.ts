/** Every limit of airlock-export, unit in the name, reason beside it. */

export const EXPORT_LIMITS = {
  /** Between two looks for new records where there were none. */
  pollMs: 1000,
  /** Records of one batch: what is held, and what is sent again after a failure. */
  maxBatchRecords: 256,
  /** SINK-4: first wait after a failure, doubled each time. */
  backoffMs: 500,
  /** SINK-4: longest wait; a receiver that is back is found within a minute. */
  maxBackoffMs: 60_000,
  /** A receiver that does not answer within this is dead. */
  timeoutMs: 10_000,
  /** How long a stream has to live on before what was written to it counts as received: syslog over TCP has no answer. */
  settleMs: 2000,
  /** RFC 5424 §6.1 lets receivers cut above 2048; most take this much, and UDP no more than 64 KiB. */
  maxDatagramBytes: 8192,
  /** Datagrams sent in a row, and the rest after them: a receiver's buffer (208 KiB by default) holds that many of them. */
  datagramsInARow: 16,
  datagramPauseMs: 4,
  /** How often a receiver may refuse one record, bare as it is by then, before it is left out: some minutes, given the waits. */
  maxRefusals: 10,
  /** What a receiver says of itself is told this far. */
  maxSaidChars: 200,
  /** Headers and certificates are small; whatever is larger was named by mistake. */
  maxSecretBytes: 65_536,
  /** Answers of a receiver are read this far. */
  maxAnswerBytes: 65_536,
  /** Requests, leases and operations that are open at a time in traces; the oldest gives way. */
  maxOpenSpans: 4096,
} as const;
