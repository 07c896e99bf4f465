/** Every limit of the network transports, unit in the name, reason beside it. */
import { LIMITS } from '@airlock/protocol';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const NET_LIMITS = {
  /** From a connection's first moment to the end of its header: local peers need milliseconds, a dripping one is an attack. */
  headersMs: 10 * SECOND_MS,
  /** To the end of the request's body. */
  requestMs: 30 * SECOND_MS,
  /** A connection between two requests. */
  keepAliveMs: 15 * SECOND_MS,
  /** How often the three above are looked at. */
  checkMs: SECOND_MS,
  /** A client that does not read its answer. */
  drainMs: 30 * SECOND_MS,
  /** Tokens and revisions of a request line need less than 2 KiB. */
  headerBytes: 16 * KIB,
  headers: 64,
  /** As a frame of the agent socket, which the arguments of a call end in. */
  bodyBytes: LIMITS.maxFrameInBytes,
  /** Of one address; a client with a stream and calls needs a handful. */
  connections: 256,
  /** Of revision 2025-11-25, all endpoints together; each is a server instance in memory. */
  sessions: 100,
  /** `subscriptions/listen` streams of revision 2026-07-28, for each endpoint. */
  subscriptions: 64,
  /** Kept of a session, so that a client that lost its connection gets what it missed. */
  events: 128,
  eventBytes: 4 * MIB,
  /** WebSocket connections. */
  sockets: 64,
  /** Between two looks whether a WebSocket peer is alive. */
  pingMs: 30 * SECOND_MS,
  /** Unsent bytes at which a WebSocket peer that does not read is cut off. */
  unsentBytes: LIMITS.maxUnsentBytes,

  /* Sign-in (docs/spec/mcp-http.md). */

  /** Clients that registered themselves; one without tokens makes room for the next. */
  clients: 64,
  redirectUris: 8,
  /** An opened consent page. */
  transactions: 32,
  transactionMs: 10 * MINUTE_MS,
  /** RFC 6749 §4.1.2 says at most ten minutes; a client redeems at once. */
  codeMs: MINUTE_MS,
  /** A stolen access token is worth little. */
  accessMs: 15 * MINUTE_MS,
  /** A sign-in that is not used ends after a week; the process usually earlier. */
  refreshMs: 7 * 24 * 60 * MINUTE_MS,
  /** Sign-ins at a time. */
  families: 64,
  /** How long pairing letters are good for. */
  pairingMs: 5 * MINUTE_MS,
  /** Wrong tries for one set of letters. */
  pairingTries: 5,
  /** Wrong tries within `pairingWindowMs`, whatever the letters: beyond it nobody signs in. */
  pairingFailures: 20,
  pairingWindowMs: 60 * MINUTE_MS,
} as const;

export type NetLimits = Readonly<Record<keyof typeof NET_LIMITS, number>>;
