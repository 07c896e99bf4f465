/** `access.request`: refuses what no approval could allow, then asks airlock-totp to put it before the human. */
import {
  AirlockError,
  canonicalScopes,
  type AccessRequestParams,
  type AccessRequestResult,
  type Budget,
  type Constraints,
  type OpenRequestResult,
  type RegisteredLease,
} from '@airlock/protocol';
import { canonicalConstraints } from '@airlock/lease';
import type { House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { callsItself, type Session } from '../sessions/sessions.js';
import { checkOpen, checkPolicies, checkScopes, freedWrites, enforcedBy, ttlOf } from './allowed.js';

/** bridge.request.open: most calls of a budget. */
const MAX_CALLS = 1_000_000;
/** bridge.request.open: most bytes of a budget. */
const MAX_BYTES = 1_000_000_000_000;
/** bridge.request.open: most writes a text can name; the others ask for a code each. */
const MAX_UNATTENDED = 16;

const constraintError = (key: string, enforced: readonly string[]): AirlockError =>
  new AirlockError('CONSTRAINT', 'the request has a constraint that is not enforced, so it is not promised', {
    field: `params.constraints.${key.slice(0, 64).toWellFormed()}`,
    expected: [`calls: a whole number from 1 to ${MAX_CALLS}`, `bytes: from 1 to ${MAX_BYTES}`, ...enforced].join(', '),
    hint: 'leave it out, or ask for one of those that the operations of the scopes enforce',
  });

/** Calls and bytes are counted here, every other constraint is kept by the operations that declare it. */
const budgetOf = (constraints: Constraints = {}, enforced: readonly string[]): Budget | undefined => {
  const limits = [['calls', MAX_CALLS] as const, ['bytes', MAX_BYTES] as const].flatMap(([key, most]) => {
    const value = constraints[key];
    if (value === undefined) return [];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most)
      throw constraintError(key, enforced);
    return [[key, value] as const];
  });
  return limits.length === 0 ? undefined : Object.fromEntries(limits);
};

/** @throws AirlockError CONSTRAINT for one that no operation in the scopes enforces, PARAMS_INVALID for a malformed one. */
export const limitsOf = (constraints: Constraints = {}, enforced: readonly string[]): Constraints => {
  const others = Object.entries(constraints).filter(([key]) => key !== 'calls' && key !== 'bytes');
  const stray = others.find(([key]) => !enforced.includes(key));
  if (stray !== undefined) throw constraintError(stray[0], enforced);
  return { ...canonicalConstraints(Object.fromEntries(others)) };
};

/** The lease of this session that is to be renewed. @throws AirlockError NOT_FOUND */
const renewedLease = (house: House, session: Session, renew: string | undefined): RegisteredLease | null => {
  if (renew === undefined) return null;
  const lease = house.register.find(renew);
  if (lease?.session === session.id) return lease;
  throw new AirlockError('NOT_FOUND', 'no lease of this session that lives has this id', {
    field: 'params.renew',
    hint: 'leave renew out to ask for a new lease',
  });
};

/** Without scopes those of the lease that is renewed. @throws AirlockError PARAMS_INVALID */
const scopesOf = (scopes: readonly string[] | undefined, renewed: RegisteredLease | null): readonly string[] => {
  const wanted = scopes ?? renewed?.scopes;
  if (wanted !== undefined) return canonicalScopes(wanted);
  throw new AirlockError('PARAMS_INVALID', 'params.scopes: expected a value, found nothing', {
    field: 'params.scopes',
    expected: 'at least one scope, or a lease to renew',
    found: 'nothing',
    hint: 'say what to ask for, e.g. gmail:read',
  });
};

/**
 * @throws AirlockError PARAMS_INVALID, SERVICE_UNKNOWN, READ_ONLY, OPERATION_UNKNOWN, CONSTRAINT, NOT_FOUND, RATE_LIMITED, LOCKED,
 *   NOT_ENROLLED, UNAVAILABLE, AUDIT_UNAVAILABLE
 */
export const accessRequest = async (
  house: House,
  session: Session,
  params: AccessRequestParams,
): Promise<AccessRequestResult> => {
  const { role, operator, id } = session;
  checkOpen(house, session);
  const scopes = scopesOf(params.scopes, renewedLease(house, session, params.renew));
  checkScopes(house, operator, scopes);
  checkPolicies(house, session, scopes);
  const ttlS = ttlOf(house, params.ttlS);
  const enforced = enforcedBy(house, operator, scopes);
  const budget = budgetOf(params.constraints, enforced);
  const constraints = limitsOf(params.constraints, enforced);
  house.requestRate.take(role);
  house.journal.admit(role, GATEWAY_LIMITS.callLogBytes);
  const unattended = freedWrites(house, session, scopes);
  const { reason, intent, renew } = params;
  const client = callsItself(session);
  const asked = { operator, role, session: id, ...client, scopes, reason, ttlS, intent, budget, constraints, renew };
  const seq = await house.journal.durable('access_requested', asked);
  const optional = {
    ...(intent === undefined ? {} : { intent }),
    ...(budget === undefined ? {} : { budget }),
    ...(renew === undefined ? {} : { renew }),
    ...(unattended.length === 0 ? {} : { unattended: unattended.slice(0, MAX_UNATTENDED) }),
  };
  const opened = await house.bridge.call<OpenRequestResult>('request.open', {
    operator,
    role,
    session: id,
    scopes,
    reason,
    ttlS,
    constraints,
    ...client,
    ...optional,
  });
  const { request, match, position, expiresAt, merged } = opened;
  house.journal.note('request_opened', { operator, role, session: id, request, of: seq, merged });
  house.requests.opened({ request, operator, role, session: id, match, expiresAt });
  return { request, status: 'pending', position, match, expiresAt, pollIntervalS: GATEWAY_LIMITS.pollIntervalS };
};
