/** What the one HTTP client takes and gives. */
import type { Socket } from 'node:net';
import type { Origin } from '@airlock/protocol';

/** One address a name was looked up to. */
export interface LookedUp {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Looks a name up; replaced in tests by a resolver that rebinds. @throws Error where the name has no address. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly LookedUp[]>;

export interface EgressLimits {
  /** From connect to the last byte, redirects included. */
  readonly totalTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Longest silence between two pieces of an answer. */
  readonly idleTimeoutMs: number;
  /** Of the body as it is handed out, that is: after decompression. */
  readonly maxBodyBytes: number;
  /** Bytes out of the decompressor for one byte in, once more than 64 KiB came out. */
  readonly maxInflation: number;
  readonly maxHeaderBytes: number;
  readonly maxRedirects: number;
}

export interface EgressOptions {
  /** The sealed origins (https or http); nothing else is ever connected to. */
  readonly origins: readonly Origin[];
  readonly limits?: Partial<EgressLimits>;
  readonly resolve?: Resolve;
  /** PEM certificate authorities besides the system's; for tests against local servers. */
  readonly ca?: readonly string[];
}

export type EgressMethod = 'GET' | 'HEAD' | 'POST' | 'PROPFIND' | 'REPORT' | 'OPTIONS' | 'PUT' | 'DELETE';

export interface EgressRequest {
  readonly method: EgressMethod;
  /** Absolute, or relative to the first origin. Must lie within a sealed origin. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** A credential stands elsewhere than in `authorization`, e.g. in the query: it is kept from the open network all the same. */
  readonly secret?: boolean;
  /**
   * Called with the head of an answer that is no redirect; what it returns takes the pieces of the body as they come, decompressed, and
   * the answer's own body is empty then. Their sum is bounded by `maxBodyBytes` all the same. What it throws ends the request.
   */
  readonly receive?: (head: EgressHead) => (piece: Buffer) => void;
}

/** Status and headers, before the body. */
export interface EgressHead {
  readonly status: number;
  /** Names in lower case; the first value of each. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface TunnelOptions {
  readonly signal: AbortSignal;
  /** A credential may be sent over it: an http origin is refused but where EGRESS-13 allows one. */
  readonly secret: boolean;
}

export interface EgressResponse {
  readonly status: number;
  /** Names in lower case; the first value of each. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly body: Buffer;
}

/**
 * Follows redirects (301, 302, 303, 307, 308) within the sealed origins only; method and body are kept for 307 and 308 and
 * for PROPFIND and REPORT. Every status that is no redirect is an answer, not an error. A PUT is sent once and follows nothing
 * (EGRESS-15).
 */
export interface Egress {
  /**
   * @throws AirlockError PARAMS_INVALID (a URL outside the sealed origins, with what is allowed), UPSTREAM_REFUSED
   *   (address refused, redirect out, TLS, malformed answer, too large: `found` says which), UPSTREAM_TIMEOUT,
   *   UNAVAILABLE (no network, name unknown, connection refused; `found` no_network), OUTCOME_UNKNOWN (a PUT that may have arrived).
   */
  request(request: EgressRequest): Promise<EgressResponse>;
  /**
   * A plain TCP connection to a sealed origin, behind the same guard (EGRESS-16). Whoever gets it speaks TLS itself where the origin is https.
   * @throws AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT, UNAVAILABLE
   */
  tunnel(origin: Origin, options: TunnelOptions): Promise<Socket>;
  close(): Promise<void>;
}
