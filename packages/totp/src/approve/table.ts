/**
 * The methods of approve/OP.sock (packages/protocol/src/methods/approve.ts): which may be called when.
 *
 * QUEUE-14  before enrolment every method but `status` is refused.
 * DESK-3  while the daemon is sealed only the diagnosis is served: status, pending, leases, heads and the log.
 */
import type { MethodEntry } from '@airlock/ipc';
import { AirlockError, decodeBase64url, validatorOf, type ApproveParams } from '@airlock/protocol';
import { GATEWAY_LOG, TOTP_LOG } from '../heads/heads.js';
import { exportKeys, signExport } from '../heads/export.js';
import { listSegments, readSegment } from '../heads/segments.js';
import { approveRequest } from '../operators/approve.js';
import { openAction, parseAction } from '../operators/ask.js';
import { cancelAction, denyRequests, lockAll, revokeLeases, type DenyParams } from '../operators/deny.js';
import type { Desk } from '../operators/desk.js';
import { beginEnrolment, giveEnrolmentCode, useRecoveryCode } from '../operators/enrolment.js';
import type { House } from '../operators/house.js';
import { leaseView, pendingView, unclaimedView } from '../operators/views.js';
import type { ActionWaiters } from './action-wait.js';

/** What a connection of an operator carries. The object itself is the opener of its actions. */
export interface ApproveState {
  readonly operator: string;
  isSubscribed: boolean;
}

type Entry = MethodEntry<ApproveState>;
type Handler<P> = (desk: Desk, params: P, state: ApproveState) => unknown;

export interface ApproveContext {
  readonly house: House;
  readonly waiters: ActionWaiters;
  readonly logDir: string;
}

const deskFor = (house: House, operator: string): Desk => {
  const desk = house.desks.get(operator);
  if (desk === undefined)
    throw new AirlockError('CONFIG_INVALID', `operator ${operator} has a socket and is not in the configuration`);
  return desk;
};

/** A method that works, sealed or not; it changes nothing. */
const diagnosis = <P extends object>({ house }: ApproveContext, name: string, handle: Handler<P>): Entry => ({
  params: validatorOf(`approve.${name}`),
  permitted: ({ operator }) =>
    house.desks.get(operator)?.isEnrolled === false
      ? new AirlockError('NOT_ENROLLED', `operator ${operator} has no phone enrolled`)
      : null,
  handle: (params, { state }) => {
    const desk = deskFor(house, state.operator);
    desk.settle();
    return handle(desk, params as P, state);
  },
});

/** A method that does something: refused with the reason while the daemon is sealed. */
const method = <P extends object>(context: ApproveContext, name: string, handle: Handler<P>): Entry => {
  const entry = diagnosis(context, name, handle);
  return { ...entry, permitted: (state) => context.house.sealed() ?? entry.permitted(state) };
};

const requestMethods = (context: ApproveContext): Record<string, Entry> => ({
  pending: diagnosis(context, 'pending', pendingView),
  'request.approve': method<ApproveParams>(context, 'request.approve', (desk, params, state) =>
    approveRequest(desk, params, state),
  ),
  'request.deny': method<DenyParams>(context, 'request.deny', (desk, params) => ({ denied: denyRequests(desk, params) })),
});

const actionMethods = (context: ApproveContext): Record<string, Entry> => ({
  'action.open': method<{ readonly verb: string; readonly params: object }>(
    context,
    'action.open',
    (desk, { verb, params }, state) => openAction(desk, parseAction(verb, params), state),
  ),
  'action.wait': method<{ readonly request: string; readonly timeoutS: number }>(
    context,
    'action.wait',
    (desk, { request, timeoutS }, state) => context.waiters.wait(desk, request, timeoutS, state),
  ),
  'action.cancel': method<{ readonly request: string }>(context, 'action.cancel', (desk, { request }, state) =>
    cancelAction(desk, request, state),
  ),
});

const leaseMethods = (context: ApproveContext): Record<string, Entry> => ({
  leases: diagnosis(context, 'leases', (desk) => ({
    leases: [...desk.state.leases.map(leaseView), ...desk.state.grants.map(unclaimedView)],
  })),
  revoke: method<{ readonly lease?: string; readonly all?: boolean }>(context, 'revoke', (desk, params) => ({
    revoked: revokeLeases(desk, params),
  })),
  lock: method(context, 'lock', (desk) => {
    lockAll(desk);
    return { locked: true };
  }),
});

const enrolMethods = (context: ApproveContext): Record<string, Entry> => ({
  'reset.recover': method<{ readonly recoveryCode: string }>(context, 'reset.recover', (desk, { recoveryCode }, state) => {
    useRecoveryCode(desk, recoveryCode);
    return { ticket: desk.house.actionTickets.issue(desk.operator, { verb: 'totp.reset', params: {} }, '', state, desk.now()) };
  }),
  'enrol.begin': method<{ readonly ticket: string }>(context, 'enrol.begin', (desk, { ticket }, state) => {
    desk.house.actionTickets.use(decodeBase64url(ticket) ?? Buffer.alloc(0), 'reset', desk.operator, state, desk.now());
    return beginEnrolment(desk, null);
  }),
  'enrol.code': method<{ readonly code: string }>(context, 'enrol.code', (desk, { code }) => giveEnrolmentCode(desk, code)),
});

const logMethods = (context: ApproveContext): Record<string, Entry> => ({
  heads: diagnosis(context, 'heads', ({ house: { heads } }) => ({
    heads: [heads.note(TOTP_LOG), heads.note(GATEWAY_LOG)].filter((note) => note !== null),
  })),
  'export.keys': method(context, 'export.keys', exportKeys),
  'export.sign': method<{ readonly digest: string }>(context, 'export.sign', (desk, { digest }) => signExport(desk, digest)),
  'log.segments': {
    ...diagnosis(context, 'heads', () => ({ segments: listSegments(context.logDir) })),
    params: validatorOf('log.segments'),
  },
  'log.read': {
    ...diagnosis<{ readonly segment: string; readonly offset: number }>(context, 'heads', (_, { segment, offset }) =>
      readSegment(context.logDir, segment, offset),
    ),
    params: validatorOf('log.read'),
  },
  subscribe: diagnosis(context, 'subscribe', (_, __, state) => {
    state.isSubscribed = true;
    return {};
  }),
});

export const approveTable = (context: ApproveContext): Readonly<Record<string, Entry>> => ({
  ...requestMethods(context),
  ...actionMethods(context),
  ...leaseMethods(context),
  ...enrolMethods(context),
  ...logMethods(context),
});
