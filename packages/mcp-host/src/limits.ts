/** The limits of the host, unit in the name, reason beside it. */
export const HOST_LIMITS = {
  /** The order to start: a command, its environment and its secrets. */
  maxLineBytes: 256 * 1024,
  /** One piece of stderr handed on; the cell keeps the last few KB. */
  maxStderrBytes: 4096,
  /** Bytes the cell did not read yet at which stderr is dropped: a server that floods it stops nothing. */
  maxUnsentBytes: 64 * 1024,
  /** Connections of the server at a time, dialled or waiting to be. */
  maxConnections: 64,
  /** From a connection of the server to the stream that carries it. */
  dialTimeoutMs: 15_000,
  /** From the order to start to the stream that becomes its standard input and output. */
  stdioTimeoutMs: 5000,
  /** From a connection's first byte to the end of its first line. */
  firstLineTimeoutMs: 5000,
} as const;
