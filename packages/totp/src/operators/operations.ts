/**
 * One operation of an agent: opened, kept once approved, taken once.
 *
 * OPERATION-1  the digest is computed here, from what is shown.
 * OPERATION-3  only under a live lease of the same role and session that covers it.
 * OPERATION-4  the approval ends with the lease, a lock, a new boot, or 10 minutes.
 * OPERATION-5  that it was taken is durable before the ticket leaves.
 */
import {
  AirlockError,
  OPERATOR_ROLE,
  operationDigest,
  parseScope,
  scopeCovers,
  sha256Hex,
  type ApproveResult,
  type Json,
  type OpenRequestResult,
  type ScopeClass,
  type TakenOperation,
} from '@airlock/protocol';
import { withAlert } from '../heads/alert.js';
import { TOTP_LIMITS } from '../limits.js';
import { requireThawed } from '../presence/freeze.js';
import { clearCoolOff } from '../queue/cool-off.js';
import { leaveQueue } from '../queue/leave.js';
import { decideAgentPlace, decideOperatorPlace, newMatch } from '../queue/open.js';
import { pendingOf, type AskedOperation, type KeptOperation, type Now, type QueuedRequest } from '../queue/state.js';
import { findLease } from '../register/leases.js';
import { operationText } from '../text/operation-text.js';
import { answerOf, deadlines, freshId, queueUp } from './ask.js';
import type { Desk } from './desk.js';
import { deskOf, type House } from './house.js';

/** Parameters of `operation.open` on the bridge. */
export interface OperationParams {
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  readonly lease: string;
  readonly service: string;
  readonly operation: string;
  readonly class: ScopeClass;
  readonly params: Readonly<Record<string, Json>>;
  /** What the agent calls itself. */
  readonly client?: string;
}

/** @throws AirlockError PARAMS_INVALID */
const digestOfOperation = ({ operation, params, service }: OperationParams): string => {
  try {
    return operationDigest({ operation, params, service });
  } catch {
    throw new AirlockError('PARAMS_INVALID', 'the parameters have no canonical form', {
      field: 'params',
      expected: 'finite numbers and Unicode text',
    });
  }
};

/** Laying out what could not be shown anyway would keep every other request waiting. @throws AirlockError PARAMS_INVALID */
const checkSize = ({ params }: OperationParams): void => {
  const bytes = Buffer.byteLength(JSON.stringify(params));
  if (bytes <= TOTP_LIMITS.maxOperationBytes) return;
  throw new AirlockError('PARAMS_INVALID', `the parameters are ${bytes} bytes, and are never shown cut`, {
    field: 'params',
    expected: `at most ${TOTP_LIMITS.maxTextBytes} bytes when displayed`,
    found: `${bytes} bytes`,
    hint: 'do less at once, or say it in fewer words',
  });
};

const checkLease = (desk: Desk, { lease: id, role, session, ...asked }: OperationParams): void => {
  const lease = findLease(desk.state, id);
  if (lease?.role !== role || lease.session !== session)
    throw new AirlockError('LEASE_INVALID', 'no live lease of this session has this id');
  const needed = { service: asked.service, class: asked.class, operation: asked.operation };
  if (!lease.scopes.some((scope) => scopeCovers(parseScope(scope), needed)))
    throw new AirlockError('LEASE_SCOPE', 'no scope of the lease covers the operation');
};

const buildRequest = (desk: Desk, params: OperationParams, digest: string, now: Now): QueuedRequest => {
  const { role, session, lease, service, operation } = params;
  const id = freshId(desk);
  const match = newMatch(desk.state, (below) => desk.house.random.below(below));
  const text = withAlert(operationText({ ...params, id, match }), desk.house.alert.viewOf(desk.operator));
  return {
    ...{ id, kind: 'operation', lane: role === OPERATOR_ROLE ? 'operator' : 'agent', role, session, scopes: [], reason: '' },
    ...{ intent: null, constraints: {}, budget: null, ttlS: 0, action: null, match, text },
    operation: { lease, service, operation, class: params.class, digest },
    digest: sha256Hex(text),
    summary: `${service}:${operation}, once`,
    ...deadlines(desk, now),
  };
};

/** @throws AirlockError LOCKED, LEASE_INVALID, LEASE_SCOPE, RATE_LIMITED, PARAMS_INVALID, AUDIT_UNAVAILABLE */
export const openOperation = (house: House, params: OperationParams): OpenRequestResult => {
  const desk = deskOf(house, params.operator);
  desk.requireEnrolled();
  requireThawed(desk.state);
  checkLease(desk, params);
  checkSize(params);
  const digest = digestOfOperation(params);
  const isSame = (one: QueuedRequest): boolean =>
    one.operation?.digest === digest &&
    one.operation.class === params.class &&
    one.operation.lease === params.lease &&
    one.session === params.session;
  const same = pendingOf(desk.state).find(isSame);
  if (same !== undefined) return answerOf(desk, same, true);
  const now = desk.now();
  const refusal =
    params.role === OPERATOR_ROLE ? decideOperatorPlace(desk.state, now) : decideAgentPlace(desk.state, params.role, now);
  if (refusal !== null) throw refusal;
  const request = buildRequest(desk, params, digest, now);
  queueUp(desk, request);
  return answerOf(desk, request, false);
};

const isOver = ({ endsWallMs, endsBootMs }: KeptOperation, now: Now): boolean =>
  now.wallMs >= endsWallMs || now.bootMs >= endsBootMs;

/** What a code for an operation does: it is kept, to be taken once. @throws AirlockError AUDIT_UNAVAILABLE */
export const keepOperation = (desk: Desk, request: QueuedRequest, asked: AskedOperation, now: Now): ApproveResult => {
  const { operationTtlMs } = TOTP_LIMITS;
  const kept: KeptOperation = {
    ...asked,
    request: request.id,
    endsWallMs: now.wallMs + operationTtlMs,
    endsBootMs: now.bootMs + operationTtlMs,
    taken: false,
  };
  desk.house.journal.record('operation_approved', desk.fields({ request: request.id, ...asked, role: request.role }));
  const left = leaveQueue(
    clearCoolOff(desk.state, request.role),
    request.id,
    { status: 'approved', reason: null, lease: null },
    now,
  );
  desk.commit({ ...left, operations: [...left.operations.filter((one) => !isOver(one, now)), kept] });
  return { request: request.id };
};

const findKept = (house: House, request: string): { readonly desk: Desk; readonly kept: KeptOperation } => {
  for (const desk of house.desks.values()) {
    const kept = desk.state.operations.find((one) => one.request === request);
    if (kept !== undefined && !isOver(kept, desk.now())) return { desk, kept };
  }
  throw new AirlockError('APPROVAL_EXPIRED', 'no approved operation that can be run has this id', { request });
};

/** @throws AirlockError APPROVAL_EXPIRED, LOCKED, LEASE_EXPIRED, AUDIT_UNAVAILABLE, UNAVAILABLE */
export const takeOperation = (house: House, { request }: { readonly request: string }): TakenOperation => {
  const { desk, kept } = findKept(house, request);
  const { lease, service, operation, class: shownClass, digest } = kept;
  if (kept.taken) throw new AirlockError('APPROVAL_EXPIRED', 'the approved operation was taken already', { request });
  requireThawed(desk.state);
  if (findLease(desk.state, lease) === null) throw new AirlockError('LEASE_EXPIRED', 'the lease does not live any more');
  desk.house.journal.record('operation_taken', desk.fields({ request, lease, service, operation, digest }));
  const operations = desk.state.operations.map((one) => (one === kept ? { ...one, taken: true } : one));
  desk.commit({ ...desk.state, operations });
  const ticket = house.releaseTickets.issue(
    { operator: desk.operator, service, lease, approved: { request, operation, class: shownClass, digest } },
    house.clock.bootMs(),
  );
  return { ticket, digest };
};
