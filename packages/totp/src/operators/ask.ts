/** A request is opened: by an agent through the gateway, or by the operator as an action. */
import {
  AirlockError,
  OPERATOR_ROLE,
  canonicalScopes,
  isoTime,
  parseScope,
  scopeCovers,
  sha256Hex,
  validate,
  type Action,
  type ActionOpenResult,
  type Budget,
  type Constraints,
  type OpenRequestResult,
  type RegisteredLease,
} from '@airlock/protocol';
import { canonicalConstraints } from '@airlock/lease';
import { withAlert } from '../heads/alert.js';
import { TOTP_LIMITS } from '../limits.js';
import { requireThawed } from '../presence/freeze.js';
import { decideAgentPlace, decideOperatorPlace, enqueue, findSame, newMatch, newRequestId, positionOf } from '../queue/open.js';
import type { Now, QueuedRequest } from '../queue/state.js';
import { findLease } from '../register/leases.js';
import { actionSummary, actionText } from '../text/action-text.js';
import { leaseSummary, leaseText } from '../text/lease-text.js';
import type { Opener } from '../tickets/action-tickets.js';
import type { Desk } from './desk.js';
import { checkGrant } from './grants.js';
import { viewOf } from './views.js';

/** Parameters of `request.open` on the bridge. */
export interface AskParams {
  readonly operator: string;
  readonly role: string;
  readonly session: string;
  readonly scopes: readonly string[];
  readonly reason: string;
  readonly intent?: string;
  readonly ttlS: number;
  readonly constraints: Constraints;
  readonly budget?: Budget;
  readonly renew?: string;
  readonly unattended?: readonly string[];
  /** What the agent calls itself; shown, and nothing else. */
  readonly client?: string;
}

const invalid = (message: string, field: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, { field, expected });

/** Nothing is ever shown cut. @throws AirlockError PARAMS_INVALID */
export const checkText = (text: string): void => {
  const bytes = Buffer.byteLength(text);
  if (bytes <= TOTP_LIMITS.maxTextBytes) return;
  throw new AirlockError('PARAMS_INVALID', `the request is ${bytes} bytes when displayed, and is never shown cut`, {
    field: 'params',
    expected: `at most ${TOTP_LIMITS.maxTextBytes} bytes`,
    found: `${bytes} bytes`,
    hint: 'ask for less at once, or say it in fewer words',
  });
};

/** When a request that is opened now is over. */
export const deadlines = (desk: Desk, now: Now): Pick<QueuedRequest, 'createdMs' | 'expiresMs' | 'bootDeadlineMs'> => {
  const ttlMs = Math.min(desk.house.config.leases.requestTtlS, TOTP_LIMITS.maxRequestTtlS) * 1000;
  return { createdMs: now.wallMs, expiresMs: now.wallMs + ttlMs, bootDeadlineMs: now.bootMs + ttlMs };
};

/** An id that nothing here has or had lately. */
export const freshId = (desk: Desk): string => {
  const { random } = desk.house;
  const id = newRequestId((below) => random.below(below));
  const isTaken = positionOf(desk.state, id) !== -1 || desk.state.decided.some((one) => one.id === id);
  return isTaken ? freshId(desk) : id;
};

const checkAsk = (desk: Desk, params: AskParams): void => {
  const { config } = desk.house;
  const owner = Object.hasOwn(config.roles, params.role) ? config.roles[params.role]?.operator : undefined;
  if (params.role !== OPERATOR_ROLE && owner !== desk.operator)
    throw invalid('the role does not belong to this operator', 'params.role', 'a role of the operator');
  if (params.ttlS > config.leases.maxTtlS)
    throw invalid('the lease would live too long', 'params.ttlS', `at most ${config.leases.maxTtlS}`);
  if (!params.reason.isWellFormed() || !(params.intent ?? '').isWellFormed())
    throw invalid('a lone surrogate', 'params.reason', 'Unicode text');
};

/** The lease to be renewed. @throws AirlockError LEASE_INVALID (RENEW-3) */
const renewedLease = (desk: Desk, { renew, role, session }: AskParams): RegisteredLease | undefined => {
  if (renew === undefined) return undefined;
  const renewed = findLease(desk.state, renew);
  if (renewed?.role === role && renewed.session === session) return renewed;
  throw new AirlockError('LEASE_INVALID', 'no live lease of this session has the id to renew');
};

/** UNATTENDED-2: sorted; each within a scope that writes. @throws AirlockError PARAMS_INVALID */
const unattendedOf = (scopes: readonly string[], { unattended }: AskParams): Pick<AskParams, 'unattended'> => {
  if (unattended === undefined) return {};
  const wanted = scopes.map(parseScope);
  const isCovered = (one: string): boolean => {
    const [service = '', operation = '', ...rest] = one.split(':');
    return rest.length === 0 && wanted.some((scope) => scopeCovers(scope, { service, class: 'write', operation }));
  };
  if (unattended.every(isCovered)) return { unattended: [...unattended].sort() };
  throw invalid(
    'a write without a code is outside the scopes',
    'params.unattended',
    'service:operation within a scope of class write',
  );
};

const buildRequest = (desk: Desk, params: AskParams, renewed: RegisteredLease | undefined, now: Now): QueuedRequest => {
  const facts = {
    id: freshId(desk),
    role: params.role,
    session: params.session,
    scopes: params.scopes,
    reason: params.reason,
    intent: params.intent ?? null,
    constraints: params.constraints,
    budget: params.budget ?? null,
    ...(params.unattended === undefined ? {} : { unattended: params.unattended }),
    ttlS: params.ttlS,
    match: newMatch(desk.state, (below) => desk.house.random.below(below)),
  };
  const shown = { ...facts, ...(renewed === undefined ? {} : { renewed }), client: params.client };
  const text = withAlert(leaseText(shown), desk.house.alert.viewOf(desk.operator));
  const lane = params.role === OPERATOR_ROLE ? 'operator' : 'agent';
  return {
    ...facts,
    kind: 'lease',
    lane,
    action: null,
    text,
    digest: sha256Hex(text),
    summary: leaseSummary(shown),
    ...(renewed === undefined ? {} : { renew: renewed.id }),
    ...deadlines(desk, now),
  };
};

/** What the gateway is told of a request that waits. */
export const answerOf = (desk: Desk, request: QueuedRequest, merged: boolean): OpenRequestResult => ({
  request: request.id,
  match: request.match,
  position: positionOf(desk.state, request.id),
  expiresAt: isoTime(request.expiresMs),
  merged,
});

/** Recorded, then queued durably. @throws AirlockError PARAMS_INVALID, AUDIT_UNAVAILABLE */
export const queueUp = (desk: Desk, request: QueuedRequest): void => {
  const { id, kind, role, session, scopes, digest, summary } = request;
  checkText(request.text);
  desk.house.journal.record('request_opened', desk.fields({ request: id, kind, role, session, scopes, digest, summary }));
  desk.commit(enqueue(desk.state, request));
};

/** @throws AirlockError RATE_LIMITED, LOCKED, PARAMS_INVALID, LEASE_INVALID, NOT_ENROLLED, AUDIT_UNAVAILABLE */
export const openLeaseRequest = (desk: Desk, params: AskParams): OpenRequestResult => {
  desk.requireEnrolled();
  checkAsk(desk, params);
  const renewed = renewedLease(desk, params);
  const now = desk.now();
  const scopes = canonicalScopes(params.scopes);
  // LEASE-8: what nobody enforces is not shown to the one who approves.
  const constraints = canonicalConstraints(params.constraints) as Constraints;
  const unattended = unattendedOf(scopes, params);
  const asked = { ...params, ...unattended, scopes, constraints, intent: params.intent ?? null, budget: params.budget ?? null };
  requireThawed(desk.state);
  const same = findSame(desk.state, asked);
  if (same !== null) return answerOf(desk, same, true);
  const refusal =
    params.role === OPERATOR_ROLE ? decideOperatorPlace(desk.state, now) : decideAgentPlace(desk.state, params.role, now);
  if (refusal !== null) throw refusal;
  const request = buildRequest(desk, { ...params, ...unattended, scopes, constraints }, renewed, now);
  queueUp(desk, request);
  return answerOf(desk, request, false);
};

const VERBS: ReadonlySet<string> = new Set<Action['verb']>([
  'service.add',
  'service.remove',
  'service.test',
  'service.accept',
  'credentials.add',
  'credentials.get',
  'credentials.remove',
  'grant',
  'unblock',
  'policy.apply',
  'unlock',
  'totp.reset',
  'rotate',
  'restore',
]);

/** @throws AirlockError PARAMS_INVALID */
export const parseAction = (verb: string, params: object): Action => {
  if (!VERBS.has(verb)) throw invalid('no action has this verb', 'params.verb', [...VERBS].join(', '));
  const problem = validate(`action.${verb}`, params);
  if (problem !== null) throw problem;
  return { verb, params } as Action;
};

const buildAction = (desk: Desk, action: Action, now: Now): QueuedRequest => {
  const facts = {
    id: freshId(desk),
    operator: desk.operator,
    action,
    match: newMatch(desk.state, (below) => desk.house.random.below(below)),
  };
  const text = withAlert(actionText(facts), desk.house.alert.viewOf(desk.operator));
  return {
    id: facts.id,
    kind: 'action',
    lane: 'operator',
    role: OPERATOR_ROLE,
    session: 'terminal',
    scopes: [],
    reason: '',
    intent: null,
    constraints: {},
    budget: null,
    ttlS: 0,
    action,
    match: facts.match,
    text,
    digest: sha256Hex(text),
    summary: actionSummary(action),
    ...deadlines(desk, now),
  };
};

/** @throws AirlockError RATE_LIMITED, PARAMS_INVALID, POLICY_DENIED, AUDIT_UNAVAILABLE */
export const openAction = (desk: Desk, asked: Action, opener: Opener): ActionOpenResult => {
  const action = asked.verb === 'grant' ? { ...asked, params: checkGrant(desk, asked.params) } : asked;
  if (action.verb === 'credentials.get' && desk.house.config.isolation === 'same-user') {
    throw new AirlockError('POLICY_DENIED', 'agent and operator are one user here, so a credential is never shown', {
      hint: 'run the agents under a user of their own: install.sh --agent-user V',
    });
  }
  const now = desk.now();
  const refusal = decideOperatorPlace(desk.state, now);
  if (refusal !== null) throw refusal;
  const request = buildAction(desk, action, now);
  queueUp(desk, request);
  desk.openers.set(request.id, opener);
  return { request: viewOf(request, desk.operator), position: positionOf(desk.state, request.id) };
};
