/** The limits of a request, unit in the name, reason beside it; each may be set closer (docs/spec/egress.md). */
import type { EgressLimits } from './types.js';

const SECOND_MS = 1000;
const KIB = 1024;
const MIB = 1024 * KIB;

export const EGRESS_LIMITS: EgressLimits = {
  /** Below the 30 s a cell gives a call, so that the caller hears what happened. */
  totalTimeoutMs: 25 * SECOND_MS,
  connectTimeoutMs: 8 * SECOND_MS,
  /** Also for the headers as a whole: a server that drips them has no more time than one that is silent. */
  idleTimeoutMs: 10 * SECOND_MS,
  /** What fits a frame; more could not be handed on. */
  maxBodyBytes: 4 * MIB,
  /** JSON and calendars shrink ten- to thirtyfold; what shrinks a hundredfold was made to. */
  maxInflation: 100,
  maxHeaderBytes: 16 * KIB,
  /** RFC 9110 §15.4 wants loops found; five is what HTTP/1.0 clients were told. */
  maxRedirects: 5,
};

export const MORE_LIMITS = {
  /** Output a decompressor may give before its ratio is looked at: small texts of spaces are harmless. */
  freeInflationBytes: 64 * KIB,
  /** Compressed bytes beyond maxBodyBytes: what does not shrink grows a little. */
  compressedSlackBytes: 64 * KIB,
  /** Open connections to one origin that wait for the next request. */
  maxIdleConnections: 2,
  /** An idle connection: longer than between two requests of one call, shorter than servers keep it. */
  keepAliveMs: 3 * SECOND_MS,
  /** Before the next address of a name is tried; the 250 ms of Node cut off distant servers. */
  attemptTimeoutMs: 2500,
  /** Of a URL; servers refuse longer ones (RFC 9110 §4.1 asks for 8000). */
  maxUrlChars: 8000,
} as const;
