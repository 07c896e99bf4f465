/** What the two threads of a cell say to each other: one order, one answer, and a counter that both see. */
import type { ReleaseLimits, WireError } from '@airlock/protocol';

/** `workerData` of the watchdog. */
export interface WatchdogData {
  readonly role: 'watchdog';
  /** One Int32 that the main thread counts up. */
  readonly beats: SharedArrayBuffer;
  /** Path of release.sock. */
  readonly releaseSocket: string;
}

/** Main thread to watchdog, once. */
export interface ReleaseOrder {
  readonly ticket: Uint8Array;
  readonly header: Uint8Array;
  readonly wrapped: Uint8Array;
  /** A key of the next version is wanted as well: the kind has rotating fields. */
  readonly withNext: boolean;
}

/** What the next version of a record is sealed with. */
export interface NextKey {
  readonly dek: Uint8Array<ArrayBuffer>;
  readonly header: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** Watchdog to main thread, once. The buffer of `dek` is transferred, so the watchdog keeps no copy. */
export type ReleaseAnswer =
  | { readonly kind: 'granted'; readonly dek: Uint8Array; readonly limits: ReleaseLimits; readonly next: NextKey | null }
  | { readonly kind: 'refused'; readonly error: WireError };

export const isWatchdogData = (value: unknown): value is WatchdogData =>
  typeof value === 'object' && value !== null && (value as Partial<WatchdogData>).role === 'watchdog';
