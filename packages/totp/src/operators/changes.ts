/** What happened between two states of an operator, so that everyone who has to know is told of the same thing. */
import type { GrantEnd, LeaseEnd, RegisteredGrant, RegisteredLease } from '@airlock/protocol';
import type { DecidedRequest, OperatorState, QueuedRequest } from '../queue/state.js';

export interface Changes {
  readonly fronted: QueuedRequest | null;
  readonly decided: readonly DecidedRequest[];
  readonly issued: readonly { readonly lease: RegisteredLease; readonly request: string }[];
  readonly ended: readonly RegisteredLease[];
  /** Why the leases of `ended` ended. */
  readonly why: LeaseEnd;
  readonly granted: readonly RegisteredGrant[];
  readonly endedGrants: readonly RegisteredGrant[];
  /** Why the grants of `endedGrants` ended. */
  readonly grantWhy: GrantEnd;
  readonly locked: boolean | null;
}

const newcomers = <T extends { readonly id: string }>(before: readonly T[], after: readonly T[]): readonly T[] => {
  if (before === after) return [];
  const known = new Set(before.map((one) => one.id));
  return after.filter((one) => !known.has(one.id));
};

export const changesBetween = (before: OperatorState, after: OperatorState, why: LeaseEnd, grantWhy: GrantEnd): Changes => {
  const decided = newcomers(before.decided, after.decided);
  const issued = newcomers(before.leases, after.leases).map((lease) => ({
    lease,
    request: decided.find((one) => one.lease === lease.id)?.id ?? '',
  }));
  return {
    fronted: after.front !== null && after.front.id !== before.front?.id ? after.front : null,
    decided,
    issued,
    ended: newcomers(after.leases, before.leases),
    why,
    granted: newcomers(before.grants, after.grants),
    endedGrants: newcomers(after.grants, before.grants),
    grantWhy,
    locked: before.locked === after.locked ? null : after.locked,
  };
};
