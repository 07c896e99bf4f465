/** `access.request`: refuses what no approval could allow, then asks airlock-totp to put it before the human. */
import { decideRequest } from '@airlock/policy';
import {
  AirlockError,
  OPERATOR_ROLE,
  canonicalScopes,
  parseScope,
  type AccessRequestParams,
  type AccessRequestResult,
  type Constraints,
  type OpenRequestResult,
} from '@airlock/protocol';
import { listServices, type House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Session } from '../sessions/sessions.js';

/** bridge.request.open: most calls of a budget. */
const MAX_CALLS = 1_000_000;

const ttlOf = ({ config }: House, ttlS: number | undefined): number => {
  const { defaultTtlS, maxTtlS } = config.leases;
  if (ttlS === undefined) return Math.min(defaultTtlS, maxTtlS);
  if (ttlS <= maxTtlS) return ttlS;
  const detail = {
    field: 'params.ttlS',
    expected: `at most ${maxTtlS}`,
    found: String(ttlS),
    hint: `ask for at most ${maxTtlS} seconds`,
  };
  throw new AirlockError('CONSTRAINT', `a lease lasts at most ${maxTtlS} s`, detail);
};

const constraintError = (key: string): AirlockError =>
  new AirlockError('CONSTRAINT', 'the request has a constraint that is not enforced, so it is not promised', {
    field: `params.constraints.${key.slice(0, 64).toWellFormed()}`,
    expected: `calls: a whole number from 1 to ${MAX_CALLS}`,
    hint: 'leave it out; the only constraint is calls',
  });

/** Of all constraints only the number of calls is enforced by this release. */
const budgetOf = (constraints: Constraints = {}): { readonly calls: number } | undefined => {
  const stray = Object.keys(constraints).find((key) => key !== 'calls');
  if (stray !== undefined) throw constraintError(stray);
  const { calls } = constraints;
  if (calls === undefined) return undefined;
  if (typeof calls !== 'number' || !Number.isSafeInteger(calls) || calls < 1 || calls > MAX_CALLS) throw constraintError('calls');
  return { calls };
};

const checkScopes = (house: House, operator: string, scopes: readonly string[]): void => {
  const services = new Map(listServices(house, operator).map((service) => [service.entry.service, service.operations]));
  const refusal = decideRequest(scopes.map(parseScope), services, house.config.permissions);
  if (refusal !== null) throw refusal;
};

const checkRenewed = (house: House, session: Session, renew: string | undefined): void => {
  if (renew === undefined || house.register.find(renew)?.session === session.id) return;
  throw new AirlockError('NOT_FOUND', 'no lease of this session that lives has this id', {
    field: 'params.renew',
    hint: 'leave renew out to ask for a new lease',
  });
};

const checkOpen = (house: House, { operator, role }: Session): void => {
  const cutOff = house.bridge.refusal();
  if (cutOff !== null) throw cutOff;
  // The operator's own request is what `unlock` and diagnosis are for; airlock-totp decides on it.
  if (house.locked.has(operator) && role !== OPERATOR_ROLE) throw new AirlockError('LOCKED', 'the operator locked Airlock');
};

/**
 * @throws AirlockError SERVICE_UNKNOWN, READ_ONLY, OPERATION_UNKNOWN, CONSTRAINT, NOT_FOUND, RATE_LIMITED, LOCKED,
 *   NOT_ENROLLED, UNAVAILABLE, AUDIT_UNAVAILABLE
 */
export const accessRequest = async (
  house: House,
  session: Session,
  params: AccessRequestParams,
): Promise<AccessRequestResult> => {
  const { role, operator, id } = session;
  checkOpen(house, session);
  const scopes = canonicalScopes(params.scopes);
  checkScopes(house, operator, scopes);
  const ttlS = ttlOf(house, params.ttlS);
  const budget = budgetOf(params.constraints);
  checkRenewed(house, session, params.renew);
  house.requestRate.take(role);
  house.journal.admit(role, GATEWAY_LIMITS.callLogBytes);
  const { reason, intent, renew } = params;
  const asked = { operator, role, session: id, scopes, reason, ttlS, intent, budget, renew };
  const seq = await house.journal.durable('access_requested', asked);
  const optional = {
    ...(intent === undefined ? {} : { intent }),
    ...(budget === undefined ? {} : { budget }),
    ...(renew === undefined ? {} : { renew }),
  };
  const opened = await house.bridge.call<OpenRequestResult>('request.open', {
    operator,
    role,
    session: id,
    scopes,
    reason,
    ttlS,
    constraints: {},
    ...optional,
  });
  const { request, match, position, expiresAt, merged } = opened;
  house.journal.note('request_opened', { operator, role, session: id, request, of: seq, merged });
  house.requests.opened({ request, operator, role, session: id, match, expiresAt });
  return { request, status: 'pending', position, match, expiresAt, pollIntervalS: GATEWAY_LIMITS.pollIntervalS };
};
