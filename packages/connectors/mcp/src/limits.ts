/** The limits of an upstream MCP server, unit in the name, reason beside it (docs/spec/upstream.md). */
const SECOND_MS = 1000;
const MIB = 1024 * 1024;

export const MCP_LIMITS = {
  /** A line, a document, an event: what a frame could carry on. */
  maxMessageBytes: 4 * MIB,
  /** Nesting of a result: a frame has 32 levels, and its envelopes are some of them. */
  maxResultLevels: 24,
  /** Initialize, discover and each page of a list: half of what a cell gives a call. */
  handshakeTimeoutMs: 15 * SECOND_MS,
  maxTools: 5000,
  maxPages: 500,
  /** All operations as JSON; they leave the cell in one frame. */
  maxListBytes: 3.5 * MIB,
  maxDefinitionBytes: 256 * 1024,
  /** As a result: a list leaves in a frame too. */
  maxDefinitionLevels: 24,
  /** Lines that are no JSON-RPC: a banner or some debug output is common, more is a broken server. */
  maxNoise: 1000,
  /** From a server between a request and its answer, answers of others included. */
  maxUnansweredBytes: 64 * MIB,
  /** Of all that one HTTP answer or stream brings. */
  maxStreamBytes: 64 * MIB,
  /** Streams live as long as a cell. */
  streamTimeoutMs: 900 * SECOND_MS,
  /** Requests of the server at a time. */
  maxAsks: 8,
  /** An `input_required` answer is asked and repeated so often for a client that cannot do it itself. */
  maxRounds: 8,
  /** What is kept of stderr. */
  maxStderrChars: 4096,
  /** What is written meanwhile is told to the operator together. */
  stderrMs: 500,
  /** Of a text of the server that an error quotes. */
  maxQuotedChars: 200,
  maxIdChars: 256,
  /** Connections of a program at a time. */
  maxDialled: 64,
  /** A host that is ending, or not there yet, is tried again so often. */
  hostAttempts: 40,
  hostRetryMs: 50,
  hostStartTimeoutMs: 10 * SECOND_MS,
  /** A server that ended is held back: nothing, one second, twice as long each time, at most this. */
  maxBackOffMs: 30 * SECOND_MS,
  /** A server that lived as long is no longer held against its former ends. */
  forgiveAfterMs: 60 * SECOND_MS,
  /** Notices that the list changed are told on together. */
  listChangedMs: 200,
  /** Before a stream that the server closed is asked for again. */
  minStreamRetryMs: 50,
  maxStreamRetryMs: 5 * SECOND_MS,
  maxStreamAttempts: 5,
} as const;
