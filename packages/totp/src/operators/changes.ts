/** What happened between two states of an operator, so that everyone who has to know is told of the same thing. */
import type { Freeze, GrantEnd, LeaseEnd, RegisteredGrant, RegisteredLease } from '@airlock/protocol';
import { freezeOf } from '../presence/freeze.js';
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
  /** What freezes from now on; null: as before. */
  readonly freeze: Freeze | null;
  /** Ids of leases that need a code for what they write from now on (PRESENCE-3). */
  readonly marked: readonly string[];
}

const newcomers = <T extends { readonly id: string }>(before: readonly T[], after: readonly T[]): readonly T[] => {
  if (before === after) return [];
  const known = new Set(before.map((one) => one.id));
  return after.filter((one) => !known.has(one.id));
};

const newFreeze = (before: OperatorState, after: OperatorState): Freeze | null => {
  const [was, is] = [freezeOf(before), freezeOf(after)];
  return was.locked === is.locked && was.presence.join() === is.presence.join() ? null : is;
};

const newlyMarked = ({ leases }: OperatorState, after: OperatorState): readonly string[] => {
  if (leases === after.leases) return [];
  const known = new Map(leases.map(({ id, stepUp = false }) => [id, stepUp]));
  return after.leases.filter(({ id, stepUp }) => stepUp === true && known.get(id) === false).map(({ id }) => id);
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
    freeze: newFreeze(before, after),
    marked: newlyMarked(before, after),
  };
};
