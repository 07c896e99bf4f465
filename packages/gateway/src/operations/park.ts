/**
 * A call that needs an approval of its own: checked by the cell, put before the human, answered at once.
 *
 * PARK-1  the cell checks scope, constraints and arguments first, so that no human is asked for what cannot run.
 * PARK-2  that it is asked for is durable before the human sees it, and the call itself before its answer leaves.
 * PARK-3  the same call again, while it is not settled, is the same request and counts once.
 */
import {
  AirlockError,
  operationDigest,
  type CellPrepareParams,
  type Constraints,
  type OpenRequestResult,
  type Params,
} from '@airlock/protocol';
import { withAudit } from '../agent/refuse.js';
import { cellOf } from '../call/cell-open.js';
import { checkStillAllowed } from '../call/checks.js';
import type { Answerable } from '../call/question.js';
import { checkSeen } from '../call/seen.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { callsItself } from '../sessions/sessions.js';
import type { Parked } from './parked.js';

/** Said while the outcome is not there yet. */
export const pendingError = ({ request, match, state }: Pick<Parked, 'request' | 'match' | 'state'>): AirlockError =>
  state === 'running'
    ? new AirlockError('APPROVAL_PENDING', `request ${request} is approved, and its operation is running`, {
        request,
        retryAfterMs: GATEWAY_LIMITS.resultPollMs,
        hint: `fetch the outcome: call.result, or airlock result ${request}`,
      })
    : new AirlockError(
        'APPROVAL_PENDING',
        `this operation needs an approval of its own; request ${request} (match ${match}) waits for the operator`,
        {
          request,
          retryAfterMs: GATEWAY_LIMITS.pollIntervalS * 1000,
          hint: `tell the human the match number ${match}, then fetch the outcome: call.result, or airlock result ${request}; it runs once`,
        },
      );

const digestOfCall = (service: string, operation: string, params: Params): string => {
  try {
    return operationDigest({ operation, params, service });
  } catch {
    throw new AirlockError('PARAMS_INVALID', 'the parameters have no canonical form', {
      field: 'params.params',
      expected: 'finite numbers and Unicode text',
    });
  }
};

/** PARK-1. @throws AirlockError of the cell */
const prepare = async (question: Answerable): Promise<Constraints> => {
  const { params, lease } = question;
  const constraints = { ...lease.effective.constraints } as Constraints;
  checkSeen(lease.effective.constraints, params.params);
  const order: CellPrepareParams = { operation: params.operation, params: params.params };
  const cell = await cellOf(question);
  await cell.prepare(Object.keys(constraints).length === 0 ? order : { ...order, constraints });
  return constraints;
};

const open = async (question: Answerable, digest: string, constraints: Constraints): Promise<Parked> => {
  const { house, session, params, lease, operation } = question;
  const { role, operator, id } = session;
  const asked = { operator, role, session: id, lease: lease.payload.id, service: params.service, operation: params.operation };
  const { policy, rule, maxRisk } = question.decision;
  const client = callsItself(session);
  const of = await house.journal.durable('operation_asked', {
    ...asked,
    ...client,
    class: operation.class,
    digest,
    policy,
    rule,
  });
  const opened = await house.bridge.call<OpenRequestResult>('operation.open', {
    ...asked,
    class: operation.class,
    params: params.params,
    ...client,
  });
  const { request, match, expiresAt, merged } = opened;
  const known = house.operations.get(request);
  if (known !== undefined) return known;
  const { expiresMs: endsWallMs, bootDeadlineMs: endsBootMs } = lease.effective;
  const ends = { endsWallMs, endsBootMs, ...(maxRisk === undefined ? {} : { maxRisk }) };
  const limits = { constraints, budgets: lease.budgets.filter(({ bytes }) => bytes !== null), ...ends };
  const facts = { ...asked, request, class: operation.class, params: params.params, digest, ...limits, match, of };
  const parked = house.operations.add(facts);
  house.journal.note('request_opened', { operator, role, session: id, request, of, merged });
  house.requests.opened({ request, operator, role, session: id, match, expiresAt });
  return parked;
};

/** PARK-3, BUDGET-1: counted before anybody is asked, and once however often it is sent meanwhile. */
const openOnce = async (question: Answerable, digest: string, constraints: Constraints): Promise<Parked> => {
  const { house, session, lease } = question;
  const { beingOpened } = house.operations;
  const key = `${lease.payload.id}/${digest}`;
  const same = house.operations.findSame({ session: session.id, lease: lease.payload.id, digest }) ?? beingOpened.get(key);
  if (same !== undefined) return same;
  house.budgets.check(lease);
  house.budgets.spend(lease);
  const opening = open(question, digest, constraints).finally(() => beingOpened.delete(key));
  beingOpened.set(key, opening);
  try {
    return await opening;
  } catch (thrown) {
    house.budgets.giveBack(lease);
    throw thrown;
  }
};

/** @returns APPROVAL_PENDING, to be thrown. @throws AirlockError what keeps it from being asked for */
export const park = async (question: Answerable): Promise<AirlockError> => {
  const { house, session, params, lease } = question;
  const digest = digestOfCall(params.service, params.operation, params.params);
  const same = house.operations.findSame({ session: session.id, lease: lease.payload.id, digest });
  if (same !== undefined) return withAudit(pendingError(same), same.of);
  house.budgets.check(lease);
  house.requestRate.take(session.role);
  const constraints = await prepare(question);
  checkStillAllowed(question);
  house.rates.add(question.decision.rateKeys);
  const parked = await openOnce(question, digest, constraints);
  return withAudit(pendingError(parked), parked.of);
};
