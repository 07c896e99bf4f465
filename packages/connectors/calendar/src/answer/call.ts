/** One call of an operation: what it may use, and what it is asked. */
import type { OperationResult } from '@airlock/protocol';
import type { Arguments } from '../arguments.js';
import type { Pace } from '../pace.js';
import type { Reach } from '../reach.js';
import type { Source } from '../source/source.js';
import type { Zone } from '../zones/zone.js';

export interface Call {
  readonly source: Source;
  readonly args: Arguments;
  readonly pace: Pace;
  /** The zone of the service; a call may name another. */
  readonly home: Zone;
  readonly nowMs: number;
  readonly reach: Reach;
}

export type Run = (call: Call) => Promise<OperationResult>;
