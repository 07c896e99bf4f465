/**
 * `call.result`: the outcome of an operation that needed an approval of its own.
 *
 * RESULT-1  only the session that asked gets it; ids of others say nothing.
 * RESULT-2  no outcome leaves without its record, none while locked, and what was read not after the lease has ended.
 */
import { AirlockError, fromWireError, type CallResult } from '@airlock/protocol';
import { withAudit } from '../agent/refuse.js';
import { requireThawed, type House } from '../house.js';
import type { Session } from '../sessions/sessions.js';
import { isSettled, type Parked } from './parked.js';
import { pendingError } from './park.js';
import { checkLease, recordOutcome, settleWaiting } from './run.js';

const unknownRequest = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'this session has no operation with this request', {
    hint: 'send the operation with call; where it needs an approval of its own, the answer names the request',
  });

/** RESULT-2. @throws AirlockError LOCKED, UNAVAILABLE, LEASE_EXPIRED, LEASE_REVOKED */
const checkDeliverable = (house: House, parked: Parked): void => {
  const { operator, class: kind } = parked;
  const cutOff = house.bridge.refusal();
  if (cutOff !== null) throw cutOff;
  requireThawed(house, operator);
  if (kind !== 'write') checkLease(house, parked);
};

const outcomeOf = ({ outcome, error, audit, request }: Parked): CallResult => {
  if (outcome === null || audit === null) {
    const why =
      error === null
        ? new AirlockError('OUTCOME_UNKNOWN', 'whether the operation happened is not known', { request })
        : fromWireError(error);
    throw withAudit(why, audit ?? undefined);
  }
  const { result, masked, truncated, risk, signatures } = outcome;
  return { result, meta: { audit, masked, truncated, risk, ...(signatures === undefined ? {} : { signatures }) } };
};

/** RESULT-1. @throws AirlockError NOT_FOUND */
const ownOf = (house: House, session: Session, request: string): Parked => {
  const parked = house.operations.get(request);
  if (parked?.session !== session.id) throw unknownRequest();
  return parked;
};

/** @throws AirlockError NOT_FOUND, APPROVAL_PENDING, APPROVAL_DENIED, APPROVAL_EXPIRED, OUTCOME_UNKNOWN, what the operation says */
export const callResult = async (house: House, session: Session, request: string): Promise<CallResult> => {
  if (ownOf(house, session, request).state === 'waiting') await settleWaiting(house, request);
  const parked = ownOf(house, session, request);
  if (!isSettled(parked)) throw pendingError(parked);
  const isDecision = parked.state === 'denied' || parked.state === 'expired';
  const recorded = parked.audit !== null || isDecision ? parked : await recordOutcome(house, parked);
  // After the record, which takes its time: what held before it may not hold now.
  if (recorded.outcome !== null) checkDeliverable(house, recorded);
  return outcomeOf(recorded);
};
