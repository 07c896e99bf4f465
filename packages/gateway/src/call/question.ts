/** One call on its way through the checks: what is asked, and what the checks have found so far. */
import type { VerifiedLease } from '@airlock/lease';
import type { Decision } from '@airlock/policy';
import type { CallParams, OperationManifest, RegisteredLease } from '@airlock/protocol';
import type { Channel } from '../exchange/channel.js';
import type { House, Service } from '../house.js';
import type { Session } from '../sessions/sessions.js';

export interface Question {
  readonly house: House;
  readonly session: Session;
  readonly params: CallParams;
  /** Where the call can be cancelled or talked with. */
  readonly channel: Channel | null;
  lease: VerifiedLease | null;
  registered: RegisteredLease | null;
  service: Service | null;
  operation: OperationManifest | null;
  decision: Decision | null;
}

/** A question that passed every check: nothing is missing. */
export interface Answerable extends Question {
  readonly lease: VerifiedLease;
  readonly registered: RegisteredLease;
  readonly service: Service;
  readonly operation: OperationManifest;
  readonly decision: Decision;
}

/** The value a former check has found. @throws Error where there is none: a defect, and no call gets past it. */
export const found = <T>(value: T | null): T => {
  if (value === null) throw new Error('a check ran before the one it needs');
  return value;
};
