/**
 * Grants: what an operator gave a role unasked and nobody has claimed yet. Pure functions on an operator's state.
 *
 * GRANT-2  a grant becomes one lease: it is taken out of the state in the same step that puts the lease in.
 * GRANT-3  grant and lease end when what was approved ends, on both clocks; claiming late prolongs nothing.
 */
import { intentHash, type Action, type Budget, type RegisteredGrant, type RegisteredLease } from '@airlock/protocol';
import type { Now, OperatorState } from '../queue/state.js';
import { addLease } from './leases.js';

export type GrantParams = Extract<Action, { readonly verb: 'grant' }>['params'];

const budgetOf = ({ calls, bytes }: GrantParams): Budget | null =>
  calls === undefined && bytes === undefined
    ? null
    : { ...(calls === undefined ? {} : { calls }), ...(bytes === undefined ? {} : { bytes }) };

export const grantOf = (params: GrantParams, operator: string, id: string, now: Now): RegisteredGrant => ({
  id,
  operator,
  role: params.role,
  scopes: params.scopes,
  intent: params.intent ?? null,
  ...(params.constraints === undefined ? {} : { constraints: params.constraints }),
  budget: budgetOf(params),
  issuedMs: now.wallMs,
  expiresMs: now.wallMs + params.ttlS * 1000,
  bootDeadlineMs: now.bootMs + params.ttlS * 1000,
});

/** The lease that a claimed grant becomes. `id`: fresh, random. */
export const leaseOfGrant = (grant: RegisteredGrant, session: string, id: string, now: Now): RegisteredLease => ({
  id,
  operator: grant.operator,
  role: grant.role,
  session,
  scopes: grant.scopes,
  constraints: grant.constraints ?? {},
  intent: grant.intent === null ? null : intentHash(grant.intent),
  budget: grant.budget,
  ...(grant.stepUp === undefined ? {} : { stepUp: grant.stepUp }),
  issuedMs: now.wallMs,
  expiresMs: grant.expiresMs,
  bootDeadlineMs: grant.bootDeadlineMs,
});

export const findGrant = (state: OperatorState, id: string): RegisteredGrant | null =>
  state.grants.find((grant) => grant.id === id) ?? null;

export const addGrant = (state: OperatorState, grant: RegisteredGrant): OperatorState => ({
  ...state,
  grants: [...state.grants, grant],
});

export const removeGrants = (state: OperatorState, ids: readonly string[]): OperatorState => {
  const ended = new Set(ids);
  return { ...state, grants: state.grants.filter((grant) => !ended.has(grant.id)) };
};

/** GRANT-2: one state from the other, so that no kill leaves both or neither. */
export const replaceGrant = (state: OperatorState, grant: RegisteredGrant, lease: RegisteredLease): OperatorState =>
  addLease(removeGrants(state, [grant.id]), lease);

export const grantsOver = (state: OperatorState, now: Now): readonly RegisteredGrant[] =>
  state.grants.filter((grant) => now.wallMs >= grant.expiresMs || now.bootMs >= grant.bootDeadlineMs);
