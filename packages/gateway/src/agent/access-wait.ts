/** `access.wait`: a long poll; the lease text is in the first answer after the approval, and only there. */
import type { AccessWaitResult, TakenLease } from '@airlock/protocol';
import type { House } from '../house.js';
import { isSettled, type Parked } from '../operations/parked.js';
import type { Tracked } from '../requests/board.js';
import type { Session } from '../sessions/sessions.js';

const approved = (taken: TakenLease | null): AccessWaitResult =>
  taken === null
    ? { status: 'approved', reason: 'the lease was delivered before' }
    : { status: 'approved', lease: taken.lease, expiresAt: taken.expiresAt };

/** An operation that is over, whose request airlock-totp may have forgotten: its outcome is fetched with call.result. */
const settled = ({ state, reason }: Parked): AccessWaitResult => {
  if (state !== 'denied' && state !== 'expired') return { status: 'approved' };
  return { status: state, ...(reason === null ? {} : { reason }) };
};

const undecided = ({ status, reason }: Tracked): AccessWaitResult => ({ status, ...(reason === null ? {} : { reason }) });

/** @throws AirlockError NOT_FOUND, UNAVAILABLE */
export const accessWait = async (
  house: House,
  session: Session,
  { request, timeoutS }: { readonly request: string; readonly timeoutS: number },
): Promise<AccessWaitResult> => {
  const parked = house.operations.get(request);
  if (parked?.session === session.id && isSettled(parked)) return settled(parked);
  const tracked = await house.requests.find(request, session.id);
  await house.requests.changed(tracked, timeoutS * 1000);
  // The outcome of an operation is fetched with call.result; there is no lease to hand out.
  if (tracked.status === 'approved' && house.operations.get(request) !== undefined) return { status: 'approved' };
  return tracked.status === 'approved' ? approved(await house.requests.take(tracked)) : undecided(tracked);
};
