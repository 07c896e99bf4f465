/**
 * Whether a request may be queued, and where.
 *
 * QUEUE-1  a new request never displaces the front.
 * QUEUE-7  eight requests of agents, three of one role, equal ones merged; four further places for the operator, who
 *          goes next.
 * QUEUE-8  a role that cools off, and every agent while locked, is refused.
 */
import { AirlockError, canonicalJson, type Json } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import { freezeRefusal } from '../presence/freeze.js';
import { coolOffLeftMs } from './cool-off.js';
import { pendingOf, type Now, type OperatorState, type QueuedRequest } from './state.js';

/** What makes two requests of agents one (QUEUE-7). */
export type Sameness = Pick<
  QueuedRequest,
  'role' | 'session' | 'scopes' | 'intent' | 'constraints' | 'ttlS' | 'budget' | 'renew' | 'unattended'
>;

const samenessOf = (asked: Sameness): string => {
  const { role, session, scopes, intent, constraints, ttlS, budget, renew = '', unattended = [] } = asked;
  const limits = { constraints, ttlS, budget: budget as Json, unattended };
  return canonicalJson({ role, session, scopes: [...scopes].sort(), intent, renew, ...limits });
};

/** The queued request that this one is the same as, or null. */
export const findSame = (state: OperatorState, asked: Sameness): QueuedRequest | null => {
  const wanted = samenessOf(asked);
  return pendingOf(state).find((one) => one.kind === 'lease' && samenessOf(one) === wanted) ?? null;
};

const rateLimited = (message: string, hint: string, retryAfterMs: number): AirlockError =>
  new AirlockError('RATE_LIMITED', message, { hint, retryAfterMs });

/** When the first of these is over at the latest. */
const untilFirstEndMs = (requests: readonly QueuedRequest[], now: Now): number =>
  Math.max(1, Math.min(...requests.map((one) => Math.min(one.expiresMs - now.wallMs, one.bootDeadlineMs - now.bootMs))));

/** @returns why an agent of this role may not queue now, or null. */
export const decideAgentPlace = (state: OperatorState, role: string, now: Now): AirlockError | null => {
  const frozen = freezeRefusal(state);
  if (frozen !== null) return frozen;
  const coolOffMs = coolOffLeftMs(state, role, now);
  if (coolOffMs > 0)
    return rateLimited(
      `a request of role ${role} was denied`,
      'wait for the time named in retryAfterMs, and ask for something else',
      coolOffMs,
    );
  const agents = pendingOf(state).filter((one) => one.lane === 'agent');
  const own = agents.filter((one) => one.role === role);
  if (own.length >= TOTP_LIMITS.maxRoleRequests) {
    return rateLimited(
      `${own.length} requests of role ${role} wait already`,
      'wait until one of them is decided',
      untilFirstEndMs(own, now),
    );
  }
  if (agents.length >= TOTP_LIMITS.maxAgentRequests) {
    return rateLimited(
      `${agents.length} requests wait already`,
      'wait until one of them is decided',
      untilFirstEndMs(agents, now),
    );
  }
  return null;
};

/** @returns why the operator may not queue now, or null. */
export const decideOperatorPlace = (state: OperatorState, now: Now): AirlockError | null => {
  const own = pendingOf(state).filter((one) => one.lane === 'operator');
  if (own.length < TOTP_LIMITS.maxOperatorRequests) return null;
  return rateLimited(
    `${own.length} requests of the operator wait already`,
    'approve or deny one of them: airlock-ctl pending',
    untilFirstEndMs(own, now),
  );
};

/** Puts a request at its place; in front only where nothing is. */
export const enqueue = (state: OperatorState, request: QueuedRequest): OperatorState => {
  if (state.front === null) return { ...state, front: request };
  if (request.lane === 'agent') return { ...state, waiting: [...state.waiting, request] };
  const firstAgent = state.waiting.findIndex((one) => one.lane === 'agent');
  return { ...state, waiting: state.waiting.toSpliced(firstAgent === -1 ? state.waiting.length : firstAgent, 0, request) };
};

/** 0: in front; -1: not queued. */
export const positionOf = (state: OperatorState, id: string): number => pendingOf(state).findIndex((one) => one.id === id);

const ID_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const ID_LENGTH = 10;

/** `r-` and ten characters. `pick(n)` is a uniform random integer below n. */
export const newRequestId = (pick: (below: number) => number): string =>
  `r-${Array.from({ length: ID_LENGTH }, () => ID_ALPHABET.charAt(pick(ID_ALPHABET.length))).join('')}`;

/** Two digits, unlike those of every request that waits. */
export const newMatch = (state: OperatorState, pick: (below: number) => number): string => {
  const taken = new Set(pendingOf(state).map((one) => one.match));
  const free = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0')).filter((match) => !taken.has(match));
  return String(free[pick(free.length)]);
};
