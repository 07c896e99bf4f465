/**
 * A code is given: checked and burnt in one synchronous section, then its effect.
 *
 * QUEUE-2, QUEUE-3, QUEUE-4  see queue/submit.ts; the burn is durable before anything follows from it.
 * QUEUE-10  the lease is minted and registered, and the approval recorded, durably before the answer.
 */
import { AirlockError, isoTime, type Action, type ApproveParams, type ApproveResult, type Channel } from '@airlock/protocol';
import { newLeaseId } from '@airlock/lease';
import { findStep } from '../codes/totp.js';
import { TOTP_LIMITS } from '../limits.js';
import { presenceOf, unlockedState } from '../presence/freeze.js';
import { clearCoolOff } from '../queue/cool-off.js';
import { isLockedOut, triesLeft } from '../queue/failures.js';
import { leaveQueue } from '../queue/leave.js';
import type { Now, OperatorState, QueuedRequest } from '../queue/state.js';
import { decideSubmission, type FindStep, type Verdict } from '../queue/submit.js';
import { addGrant, type GrantParams } from '../register/grants.js';
import { addLease, leaseOf } from '../register/leases.js';
import { currentSecret } from '../state/secrets.js';
import type { Opener } from '../tickets/action-tickets.js';
import type { Desk } from './desk.js';
import { grantView, issueGrant } from './grants.js';
import { keepOperation } from './operations.js';
import { rotateKeys } from './rotate.js';
import { codeRejected, lockedOut, refusalOf } from './refusals.js';

const CHANNEL: Channel = 'terminal';

/** How a code given on this desk is looked up; the secret stays in here. */
export const stepFinder = (desk: Desk, code: string): FindStep => {
  const secret = currentSecret(desk.requireEnrolled());
  return (steps) => findStep(secret, code, steps, desk.house.config.totp);
};

/** The record of a failure, and of the lock-out it led to. Never the code. */
export const recordFailure = (desk: Desk, channel: Channel, request: string | null): void => {
  desk.house.journal.record('code_rejected', desk.fields({ channel, left: triesLeft(desk.state, channel), request }));
  if (isLockedOut(desk.state, channel)) desk.house.journal.record('lockout', desk.fields({ channel }));
};

const refuse = (desk: Desk, params: ApproveParams, verdict: Exclude<Verdict, { kind: 'approved' }>, now: Now): AirlockError => {
  if (verdict.kind === 'code') {
    recordFailure(desk, CHANNEL, params.request);
    return isLockedOut(desk.state, CHANNEL) ? lockedOut(CHANNEL) : codeRejected(desk.state, CHANNEL, now);
  }
  if (verdict.kind === 'not-front')
    desk.house.journal.record('code_rejected', desk.fields({ channel: CHANNEL, request: params.request, why: 'not in front' }));
  return refusalOf(desk.state, params, verdict);
};

const left = (state: OperatorState, request: QueuedRequest, lease: string | null, now: Now): OperatorState =>
  leaveQueue(state, request.id, { status: 'approved', reason: null, lease }, now);

const issueLease = (desk: Desk, request: QueuedRequest, now: Now): ApproveResult => {
  const lease = leaseOf(
    request,
    desk.operator,
    newLeaseId((length) => desk.house.random.bytes(length)),
    now,
  );
  const { role, session, scopes, intent, budget } = lease;
  const expiresAt = isoTime(lease.expiresMs);
  desk.house.journal.record(
    'lease_issued',
    desk.fields({ request: request.id, lease: lease.id, role, session, scopes, intent, budget, expiresAt }),
  );
  desk.commit(left(clearCoolOff(addLease(desk.state, lease), role), request, lease.id, now));
  return { request: request.id, lease: { id: lease.id, role, scopes, expiresAt } };
};

const allowAction = (desk: Desk, request: QueuedRequest, action: Action, opener: Opener, now: Now): ApproveResult => {
  const { house } = desk;
  if (action.verb === 'unlock') {
    house.journal.record('unlocked', desk.fields({ request: request.id, alert: house.alert.viewOf(desk.operator)?.message }));
    if (presenceOf(desk.state).held.length > 0) house.journal.note('presence_thawed', desk.fields({ request: request.id }));
    const enrolled = [...house.desks.values()].filter(({ isEnrolled }) => isEnrolled);
    house.alert.clearFor(
      desk.operator,
      enrolled.map(({ operator }) => operator),
    );
  }
  const owner = desk.openers.get(request.id);
  const ticket = owner === undefined ? null : house.actionTickets.issue(desk.operator, action, request.id, owner, now);
  if (ticket !== null && owner !== undefined && owner !== opener)
    desk.undelivered.set(request.id, { given: { ticket }, opener: owner });
  const next = left(desk.state, request, null, now);
  desk.commit(action.verb === 'unlock' ? unlockedState(next) : next);
  if (action.verb === 'rotate') rotateKeys(desk, request.id, action.params);
  return ticket !== null && owner === opener ? { request: request.id, ticket } : { request: request.id };
};

/** GRANT-1. Who approves is told of it, and who asked for it where that is another terminal: a grant's id is no secret of one. */
const grantAccess = (desk: Desk, request: QueuedRequest, params: GrantParams, opener: Opener, now: Now): ApproveResult => {
  const issued = issueGrant(desk, params, request.id, now);
  const grant = grantView(issued);
  const owner = desk.openers.get(request.id);
  if (owner !== undefined && owner !== opener) desk.undelivered.set(request.id, { given: { grant }, opener: owner });
  desk.commit(addGrant(left(desk.state, request, null, now), issued));
  return { request: request.id, grant };
};

/** @throws AirlockError CODE_REJECTED, CODE_LOCKED_OUT, PARAMS_INVALID, APPROVAL_DENIED, APPROVAL_EXPIRED, AUDIT_UNAVAILABLE … */
export const approveRequest = (desk: Desk, params: ApproveParams, opener: Opener): ApproveResult => {
  const now = desk.now();
  const submission = {
    request: params.request,
    digest: params.digest,
    match: params.match ?? null,
    channel: CHANNEL,
    isOpener: desk.openers.get(params.request) === opener,
  };
  if (desk.state.leases.length >= TOTP_LIMITS.maxLeases)
    throw new AirlockError('UNAVAILABLE', 'too many leases live; revoke some: airlock-ctl leases');
  const { state, verdict } = decideSubmission(desk.state, submission, now, stepFinder(desk, params.code));
  desk.commit(state);
  if (verdict.kind !== 'approved') throw refuse(desk, params, verdict, now);
  const { request } = verdict;
  desk.house.journal.record('totp_verified', desk.fields({ channel: CHANNEL, request: request.id, kind: request.kind }));
  if (request.action?.verb === 'grant') return grantAccess(desk, request, request.action.params, opener, now);
  if (request.action !== null) return allowAction(desk, request, request.action, opener, now);
  if (request.operation !== undefined) return keepOperation(desk, request, request.operation, now);
  return issueLease(desk, request, now);
};
