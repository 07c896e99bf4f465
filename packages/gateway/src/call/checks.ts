/**
 * What has to hold before a cell is asked, each check by name, in this order. A check throws the refusal, or returns.
 *
 * CALL-1  airlock-totp lives (BRIDGE-2), and neither a lock nor presence freezes.
 * CALL-2  the signature is checked before a byte of the lease is believed; then role, session, ends, intent.
 * CALL-3  the register of airlock-totp has the lease, for this role, session and operator.
 * CALL-4  service and operation exist; their class is the manifest's.
 * CALL-5  the lease's scopes cover the operation, the policy allows it, and its budget has room. Default deny.
 *         What has to be approved first is counted when it is put before the human: the same call again counts no more.
 */
import { checkLease, checkScope } from '@airlock/lease';
import { decideCall, withDefaults, type CallQuestion, type Decision } from '@airlock/policy';
import {
  AirlockError,
  intentHash,
  parseScope,
  type CallParams,
  type RegisteredLease,
  type OperationManifest,
} from '@airlock/protocol';
import { codeRefused, strayCodeField } from '../agent/code-guard.js';
import { offeredOperations } from '../agent/services-list.js';
import { findService, requireThawed } from '../house.js';
import { found, type Answerable, type Question } from './question.js';

/** One check; what it finds it writes into the question. */
export type Check = (question: Question) => void;

const airlockTotpLives: Check = ({ house }) => {
  const refusal = house.bridge.refusal();
  if (refusal !== null) throw refusal;
};

const operatorHasNotLocked: Check = ({ house, session }) => {
  requireThawed(house, session.operator);
};

const leaseVerifies: Check = (question) => {
  const { house, session, params } = question;
  const { keys, bootId } = house.bridge.verifier;
  const intent = params.context?.intent;
  question.lease = checkLease(house.signed.open(keys, params.lease), {
    nowMs: house.clock.wallMs(),
    bootMs: house.clock.bootMs(),
    bootId,
    role: session.role,
    session: session.id,
    intentHash: intent === undefined ? null : intentHash(intent),
  });
};

const leaseLives: Check = (question) => {
  const { house, session } = question;
  const { payload } = found(question.lease);
  const registered = house.register.find(payload.id);
  if (registered === null) throw house.register.whyNot(payload.id, payload.expiresMs);
  if (registered.operator !== session.operator || registered.role !== session.role)
    throw new AirlockError('LEASE_INVALID', 'the lease is of another role');
  if (registered.session !== session.id) throw new AirlockError('LEASE_SESSION', 'the lease is of another session');
  question.registered = registered;
};

const unknownService = ({ house, session, params }: Question): AirlockError => {
  const names = [...(house.stores.get(session.operator)?.entries.keys() ?? [])].sort().join(', ');
  return new AirlockError('SERVICE_UNKNOWN', `there is no service ${params.service}`, {
    field: 'params.service',
    expected: names || 'none',
    found: params.service,
  });
};

const serviceExists: Check = (question) => {
  const { house, session, params } = question;
  question.service = findService(house, session.operator, params.service);
  if (question.service === null) throw unknownService(question);
  if (question.service.entry.record === null) {
    throw new AirlockError('VAULT_UNREADABLE', `no credential is stored for ${params.service}`, { field: 'params.service' });
  }
};

const operationExists: Check = (question) => {
  const { house, session, params } = question;
  const { operations } = found(question.service);
  const operation = operations.get(params.operation);
  if (operation === undefined) {
    const expected = offeredOperations(house, session.role, params.service, operations.values())
      .map(({ name }) => name)
      .join(', ');
    const detail = { field: 'params.operation', expected, found: params.operation, hint: `use one of: ${expected}` };
    throw new AirlockError('OPERATION_UNKNOWN', `${params.service} has no operation ${params.operation}`, detail);
  }
  question.operation = operation;
};

const noCodeInParams: Check = ({ params, operation }) => {
  if (strayCodeField(params.params, found(operation))) throw codeRefused();
};

const scopeCovers: Check = ({ lease, params, operation }) => {
  checkScope(found(lease), params.service, found(operation).class, params.operation);
};

const budgetHasRoom: Check = ({ house, lease, decision }) => {
  if (found(decision).decision !== 'approval') house.budgets.check(found(lease));
};

type Asked = Pick<Question, 'house' | 'session'> & { readonly params: Pick<CallParams, 'service' | 'operation' | 'params'> };

/** All that a decision looks at beside the lease. */
const circumstances = ({ house, session, params }: Asked, operation: OperationManifest): Omit<CallQuestion, 'scopes'> => ({
  service: params.service,
  operation,
  rules: house.rules(),
  role: session.role,
  client: session.client,
  params: withDefaults(operation.params, params.params),
  nowMs: house.clock.wallMs(),
  rateCount: (key, perS) => house.rates.count(key, perS),
  tainted: session.tainted,
});

/** What a denial says: which policy and rule, why, and when or how it could be otherwise. */
const denied = ({ policy, rule, reason, retryAfterMs }: Decision, kind: string): AirlockError => {
  if (rule === 'configuration-read-only')
    return new AirlockError('READ_ONLY', `the configuration allows no operation of class ${kind}`);
  const message = `the policy ${policy} (rule ${rule}) does not allow this operation${reason === undefined ? '' : `: ${reason}`}`;
  if (retryAfterMs !== undefined) return new AirlockError('RATE_LIMITED', message, { retryAfterMs });
  const hint = `this is a rule of the operator, who can look at it: airlock-ctl policy show ${policy}`;
  return new AirlockError('POLICY_DENIED', message, policy === 'lease' ? {} : { hint });
};

const policyAllows: Check = (question) => {
  const { params } = question;
  const operation = found(question.operation);
  const scopes = [found(question.lease).effective.scopes.map(parseScope), found(question.registered).scopes.map(parseScope)];
  const decision = decideCall({
    ...circumstances(question, operation),
    scopes,
    wasFrozen: found(question.registered).stepUp === true,
  });
  // What writes needs a code of its own, unless the human has read in the lease's text that it does not (UNATTENDED-1).
  const isFree = found(question.registered).unattended?.includes(`${params.service}:${operation.name}`) === true;
  question.decision =
    decision.decision === 'allow' && operation.class === 'write' && !isFree ? { ...decision, decision: 'approval' } : decision;
  if (decision.decision === 'deny') throw denied(decision, operation.class);
};

/**
 * POLICY-3: whether policy denies by now what was asked for before. Rates counted the call when it was asked for.
 * @throws AirlockError OPERATION_UNKNOWN, READ_ONLY, POLICY_DENIED
 */
export const checkPolicyNow = (asked: Asked, { scopes }: RegisteredLease): void => {
  const { service, operation: name } = asked.params;
  const operation = findService(asked.house, asked.session.operator, service)?.operations.get(name);
  if (operation === undefined) throw new AirlockError('OPERATION_UNKNOWN', `${service} has no operation ${name} any more`);
  const decision = decideCall({ ...circumstances(asked, operation), scopes: [scopes.map(parseScope)], rateCount: () => 0 });
  if (decision.decision === 'deny') throw denied(decision, operation.class);
};

export const CHECKS: readonly Check[] = [
  airlockTotpLives,
  operatorHasNotLocked,
  leaseVerifies,
  leaseLives,
  serviceExists,
  operationExists,
  noCodeInParams,
  scopeCovers,
  policyAllows,
  budgetHasRoom,
];

/** Runs every check. @throws AirlockError the first refusal. */
export const runChecks = (question: Question): Answerable => {
  for (const check of CHECKS) check(question);
  const { lease, registered, service, operation, decision } = question;
  return Object.assign(question, {
    lease: found(lease),
    registered: found(registered),
    service: found(service),
    operation: found(operation),
    decision: found(decision),
  });
};

/**
 * What has to hold still when the cell has answered: an answer later than the lease's end is not delivered.
 * @throws AirlockError LEASE_EXPIRED, LEASE_REVOKED, LOCKED, UNAVAILABLE
 */
export const checkStillAllowed = (question: Answerable): void => {
  const { house, lease } = question;
  airlockTotpLives(question);
  operatorHasNotLocked(question);
  leaseLives(question);
  const { expiresMs, bootDeadlineMs } = lease.effective;
  if (house.clock.wallMs() >= expiresMs || house.clock.bootMs() >= bootDeadlineMs)
    throw new AirlockError('LEASE_EXPIRED', 'the lease ended during the call');
};
