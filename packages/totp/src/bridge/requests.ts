/** Answers of the bridge about requests: `request.open`, `request.get`, `request.take`. */
import { AirlockError, isoTime, type OpenRequestResult, type RequestState } from '@airlock/protocol';
import { openLeaseRequest, type AskParams } from '../operators/ask.js';
import type { Desk } from '../operators/desk.js';
import { deskOf, type House } from '../operators/house.js';
import { pendingOf, type DecidedRequest, type OperatorState, type QueuedRequest } from '../queue/state.js';
import { findLease, removeLeases } from '../register/leases.js';

const unknownRequest = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no request has this id, or its outcome was forgotten', { hint: 'ask again: access.request' });

type Found = { readonly desk: Desk; readonly pending: QueuedRequest } | { readonly desk: Desk; readonly decided: DecidedRequest };

/** The request, whoever's it is: ids are random, and the gateway serves every operator. */
const findRequest = (house: House, id: string): Found => {
  for (const desk of house.desks.values()) {
    const pending = pendingOf(desk.state).find((one) => one.id === id);
    if (pending !== undefined) return { desk, pending };
    const decided = desk.state.decided.find((one) => one.id === id);
    if (decided !== undefined) return { desk, decided };
  }
  throw unknownRequest();
};

export const openRequest = (house: House, params: AskParams): OpenRequestResult =>
  openLeaseRequest(deskOf(house, params.operator), params);

/** @throws AirlockError NOT_FOUND */
export const getRequest = (house: House, { request }: { readonly request: string }): RequestState => {
  const found = findRequest(house, request);
  const one = 'pending' in found ? found.pending : found.decided;
  const { role, session, match, expiresMs } = one;
  const state = { operator: found.desk.operator, role, session, match, expiresAt: isoTime(expiresMs) };
  if ('pending' in found) return { status: 'pending', ...state };
  const { status, reason, lease } = found.decided;
  return { status, ...state, ...(reason === null ? {} : { reason }), ...(lease === null ? {} : { lease }) };
};

const notApproved = (request: string, found: Found): AirlockError => {
  if ('pending' in found) return new AirlockError('APPROVAL_PENDING', 'the request is not decided yet', { request });
  const isDenied = found.decided.status === 'denied';
  return new AirlockError(
    isDenied ? 'APPROVAL_DENIED' : 'APPROVAL_EXPIRED',
    isDenied ? 'the request was denied' : 'the request is over',
    { request },
  );
};

const handedOut = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'the lease was handed out already', {
    hint: 'a lease text is given once; ask again: access.request',
  });

/** RENEW-2: recorded, then the lease that is renewed leaves in the step that hands out the new one. */
const withoutRenewed = (desk: Desk, { renew, lease }: DecidedRequest, next: OperatorState): OperatorState => {
  const before = renew === undefined ? null : findLease(desk.state, renew);
  if (before === null) return next;
  desk.house.journal.record('lease_renewed', desk.fields({ lease: before.id, by: lease, role: before.role }));
  return removeLeases(next, [before.id]);
};

/** The lease text, once (QUEUE-10): that it was handed out is durable before it is. @throws AirlockError */
export const takeLease = (
  house: House,
  { request }: { readonly request: string },
): { readonly lease: string; readonly expiresAt: string } => {
  const found = findRequest(house, request);
  if ('pending' in found || found.decided.lease === null) throw notApproved(request, found);
  const { desk, decided } = found;
  if (decided.delivered) throw handedOut();
  const lease = findLease(desk.state, found.decided.lease);
  if (lease === null) throw new AirlockError('LEASE_EXPIRED', 'the lease ended before it was fetched');
  const text = house.leaseKey.mint(lease);
  const next = {
    ...desk.state,
    decided: desk.state.decided.map((one) => (one.id === request ? { ...one, delivered: true } : one)),
  };
  desk.commit(withoutRenewed(desk, decided, next), 'renewed');
  return { lease: text, expiresAt: isoTime(lease.expiresMs) };
};
