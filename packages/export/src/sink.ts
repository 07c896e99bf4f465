/** What the runner asks of a receiver, whatever it speaks. */
import type { LogRecord } from './record.js';
import type { TraceState } from './traces.js';

/** Not taken; the batch is sent again. */
export class NotDelivered extends Error {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Sink {
  /** How long after `deliver` a batch counts as received if nothing broke meanwhile; 0 where the receiver answers. */
  readonly settleMs: number;
  /** Resolves with what is open in traces after the batch. @throws NotDelivered */
  deliver(records: readonly LogRecord[], traces: TraceState): Promise<TraceState>;
  /** Whether something broke since the last `deliver`. */
  isBroken(): boolean;
  close(): void;
}
