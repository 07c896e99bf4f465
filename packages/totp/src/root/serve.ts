/** root.sock: enrolment, clearing a lock-out, public keys of log heads. What stands here is root's alone. */
import { always, serveSocket, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { AirlockError, validatorOf, type Channel, type EnrolBeginResult } from '@airlock/protocol';
import { GATEWAY_LOG, TOTP_LOG } from '../heads/heads.js';
import { beginEnrolment, giveEnrolmentCode, isRecoveryCode, parseSecret, useRecoveryCode } from '../operators/enrolment.js';
import type { Desk } from '../operators/desk.js';
import { deskOf, requireOpen, type House } from '../operators/house.js';
import { statusOf } from '../operators/status.js';
import { TOTP_LIMITS } from '../limits.js';
import { clearFailures } from '../queue/failures.js';
import type { Now, OperatorState } from '../queue/state.js';

type Entry = MethodEntry<null>;

interface BeginParams {
  readonly operator: string;
  readonly secret?: string;
  readonly recoveryCode?: string;
}

/** A first enrolment needs no ticket, a repeated one a recovery code (approval.md "Enrolment and recovery"). */
const begin = (desk: Desk, { secret, recoveryCode }: BeginParams): EnrolBeginResult => {
  const given = secret === undefined ? null : parseSecret(secret);
  if (!desk.isEnrolled) return beginEnrolment(desk, given);
  if (recoveryCode === undefined) {
    throw new AirlockError('NOT_AUTHENTICATED', `operator ${desk.operator} is enrolled already`, {
      field: 'params.recoveryCode',
      expected: 'a recovery code',
      hint: 'give a recovery code, or as the operator: airlock-ctl totp reset',
    });
  }
  useRecoveryCode(desk, recoveryCode);
  return beginEnrolment(desk, given);
};

/**
 * After the wall clock was ahead for a while, floor and last used step may lie far in the future, and no code counts until
 * then. Root, who can set the clock, brings them back to what codes read until now require.
 */
const withinClock = (state: OperatorState, now: Now): OperatorState => ({
  ...state,
  floorStep: Math.min(state.floorStep, now.step + TOTP_LIMITS.windowSteps + 1),
  lastStep: Math.min(state.lastStep, now.step + TOTP_LIMITS.windowSteps),
});

const clearLockout = (desk: Desk, channel: Channel): { readonly channel: Channel } => {
  desk.house.journal.record('lockout_cleared', desk.fields({ channel }));
  desk.commit(withinClock(clearFailures(desk.state, channel), desk.now()));
  return { channel };
};

const method = (house: House, name: string, handle: (desk: Desk, params: never) => unknown): Entry => ({
  params: validatorOf(`root.${name}`),
  permitted: always,
  handle: (params) => {
    requireOpen(house);
    const desk = deskOf(house, (params as { readonly operator: string }).operator);
    desk.settle();
    return handle(desk, params as never);
  },
});

const tableOf = (house: House): Readonly<Record<string, Entry>> => ({
  status: {
    params: validatorOf('root.status'),
    permitted: always,
    handle: (params) =>
      statusOf(
        deskOf(house, (params as { readonly operator: string }).operator),
        house.sealed(),
        house.clock,
        house.config.totp.periodS,
      ),
  },
  keys: {
    params: validatorOf('root.keys'),
    permitted: always,
    handle: () => ({ keys: { totp: house.heads.publicKey(TOTP_LOG), gateway: house.heads.publicKey(GATEWAY_LOG) } }),
  },
  'enrol.begin': method(house, 'enrol.begin', begin),
  'enrol.code': method(house, 'enrol.code', (desk, { code }: { readonly code: string }) => giveEnrolmentCode(desk, code)),
  'recovery.check': method(house, 'recovery.check', (desk, { recoveryCode }: { readonly recoveryCode: string }) => ({
    ok: isRecoveryCode(desk, recoveryCode),
  })),
  'lockout.clear': method(house, 'lockout.clear', (desk, { channel }: { readonly channel: Channel }) =>
    clearLockout(desk, channel),
  ),
});

export const serveRoot = (house: House, at: Listening): Promise<SocketServer<null>> =>
  serveSocket<null>({
    ...at,
    name: 'root',
    table: tableOf(house),
    limits: { idleTimeoutMs: Infinity },
    timers: house.timers,
    open: () => null,
    onProtocolError: (_, error) => house.journal.note('protocol_error', { socket: 'root', code: error.code }),
  });
