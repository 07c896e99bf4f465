/** The limits of one socket: those of protocol, where the socket has no narrower ones. */
import { LIMITS } from '@airlock/protocol';

export interface SocketLimits {
  readonly maxFrameInBytes: number;
  readonly maxFrameOutBytes: number;
  /** 0 where the socket speaks no binary frames. */
  readonly maxBinaryBytes: number;
  readonly idleTimeoutMs: number;
  readonly halfFrameTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxInFlightPerConnection: number;
  readonly maxInFlightPerSocket: number;
  readonly unsentPauseBytes: number;
  readonly maxUnsentBytes: number;
  readonly maxHeldBytesPerSocket: number;
  readonly freeHeldBytes: number;
}

/** What an agent's socket gets. */
export const SERVER_LIMITS: SocketLimits = {
  maxFrameInBytes: LIMITS.maxFrameInBytes,
  maxFrameOutBytes: LIMITS.maxFrameOutBytes,
  maxBinaryBytes: 0,
  idleTimeoutMs: LIMITS.idleTimeoutMs,
  halfFrameTimeoutMs: LIMITS.halfFrameTimeoutMs,
  maxConnections: LIMITS.maxConnectionsPerSocket,
  maxInFlightPerConnection: LIMITS.maxInFlightPerConnection,
  maxInFlightPerSocket: LIMITS.maxInFlightPerSocket,
  unsentPauseBytes: LIMITS.unsentPauseBytes,
  maxUnsentBytes: LIMITS.maxUnsentBytes,
  maxHeldBytesPerSocket: LIMITS.maxHeldBytesPerSocket,
  freeHeldBytes: LIMITS.freeHeldBytes,
};

/** The mirror: a client takes the larger answers, and waits as long as its own calls say. */
export const CLIENT_LIMITS: SocketLimits = {
  ...SERVER_LIMITS,
  maxFrameInBytes: LIMITS.maxFrameOutBytes,
  maxFrameOutBytes: LIMITS.maxFrameInBytes,
  idleTimeoutMs: Infinity,
};
