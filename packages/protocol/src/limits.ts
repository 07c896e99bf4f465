/** Every limit of Airlock, unit in the name, reason beside it. Nothing else holds a size, a count or a timeout. */

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const LIMITS = {
  /* Frames (docs/spec/wire.md). */

  /** A received JSON line. Requests are small; the largest is a draft mail with its text. */
  maxFrameInBytes: 1 * MIB,
  /** A sent JSON line, and so an answer a client receives: a masked and cut result with room to spare. */
  maxFrameOutBytes: 4 * MIB,
  /** Payload of a binary frame: three blobs with 16-bit lengths at most, usually less than 2 KiB. */
  maxBinaryFrameBytes: 200 * KIB,
  /** JSON of what one service lists; a frame of a cell has 4 MiB. */
  maxListedChars: 3.5 * MIB,
  /** Nesting of arrays and objects. Deeper text is an attack on recursive code. */
  maxJsonDepth: 32,
  /** Characters of a request id a peer may choose; longer ones only cost us memory. */
  maxRequestIdChars: 64,
  /** Characters of a foreign value quoted in an error. */
  maxQuotedChars: 80,

  /* Sockets. */

  /** A connection that sent nothing and has nothing in flight. Agents hold theirs for a lease, hence long. */
  idleTimeoutMs: 60 * MINUTE_MS,
  /** From the first byte of a frame to its last: local peers need milliseconds, a dripping one is an attack. */
  halfFrameTimeoutMs: 10 * SECOND_MS,
  /** Connections of one listening socket: 1,000 agents of one role, and room to refuse politely. */
  maxConnectionsPerSocket: 1024,
  /** Requests of one connection not yet answered. */
  maxInFlightPerConnection: 64,
  /** Requests of one socket (one role) not yet answered, so that one role cannot take all memory. */
  maxInFlightPerSocket: 1024,
  /** Unsent bytes at which we stop reading a client that does not read its answers. */
  unsentPauseBytes: 256 * KIB,
  /** Unsent bytes at which that client is cut off: four answers of the largest size. */
  maxUnsentBytes: 16 * MIB,
  /** Half frames and unread answers of all connections of a socket: a fifth of the gateway's MemoryMax. */
  maxHeldBytesPerSocket: 96 * MIB,
  /** Held for a connection whatever the others hold: no flood cuts off who sends small frames and reads. */
  freeHeldBytes: 32 * KIB,
  /** Wait before a request refused for its number in flight is tried again. */
  inFlightRetryMs: 100,
  /** A call without a timeout of its own. `access.wait` holds up to 50 s, hence above. */
  callTimeoutMs: 60 * SECOND_MS,
  /** connect() on a local socket whose backlog is full. */
  connectTimeoutMs: 5 * SECOND_MS,
  /** A closed connection whose last bytes the peer does not read is destroyed after this. */
  closeGraceMs: 1 * SECOND_MS,
} as const;
