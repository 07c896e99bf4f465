/**
 * root.sock: enrolment, clearing a lock-out, backups, what came of an attack on the walls, public keys of log heads. What stands here is root's alone. The key exchange is
 * served for what an enrolment approved (ENROL-6), and only to seal.
 */
import { always, serveSocket, type Connection, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { AirlockError, FRAME, LIMITS, validatorOf, type AttackRun, type Channel, type EnrolBeginResult } from '@airlock/protocol';
import { acceptLog, examineLog, type AcceptParams } from '../heads/accept.js';
import { GATEWAY_LOG, TOTP_LOG, type LogName } from '../heads/heads.js';
import { exchangeKey } from '../approve/keys.js';
import { BACKUP_FRAMES, backup, backupKept, beginRestore, finishRestore } from '../backup/exchange.js';
import { beginEnrolment, giveEnrolmentCode, isRecoveryCode, parseSecret, useRecoveryCode } from '../operators/enrolment.js';
import type { Desk } from '../operators/desk.js';
import { listActions } from '../operators/listed-actions.js';
import { deskOf, requireOpen, type House } from '../operators/house.js';
import { refusedFrame } from '../operators/refused-frame.js';
import { statusOf } from '../operators/status.js';
import { TOTP_LIMITS } from '../limits.js';
import { recordAttack } from './attack-run.js';
import { clearFailures } from '../queue/failures.js';
import type { Now, OperatorState } from '../queue/state.js';

/** What a connection carries. The object itself is the opener of what its enrolment approves. */
interface RootState {
  /** Of the operator whose enrolment was begun here. */
  desk: Desk | null;
}

type Entry = MethodEntry<RootState>;

interface BeginParams {
  readonly operator: string;
  readonly secret?: string;
  readonly recoveryCode?: string;
  readonly actions?: readonly { readonly verb: string; readonly params: object }[];
}

interface CodeParams {
  readonly code: string;
  readonly digest?: string;
}

/** A first enrolment needs no ticket, a repeated one a recovery code (approval.md "Enrolment and recovery"). */
const begin = (desk: Desk, { secret, recoveryCode, actions }: BeginParams, state: RootState): EnrolBeginResult => {
  const given = secret === undefined ? null : parseSecret(secret);
  if (!desk.isEnrolled) {
    const listed = actions === undefined ? null : listActions(desk.operator, actions, state);
    state.desk = desk;
    return beginEnrolment(desk, given, listed);
  }
  if (actions !== undefined) {
    throw new AirlockError('NOT_AUTHENTICATED', `operator ${desk.operator} is enrolled already, and adds services with a code`, {
      field: 'params.actions',
      expected: 'no actions',
      hint: 'as the operator: airlock-ctl service add KIND',
    });
  }
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

const method = (house: House, name: string, handle: (desk: Desk, params: never, state: RootState) => unknown): Entry => ({
  params: validatorOf(`root.${name}`),
  permitted: always,
  handle: (params, { state }) => {
    requireOpen(house);
    const desk = deskOf(house, (params as { readonly operator: string }).operator);
    desk.settle();
    return handle(desk, params as never, state);
  },
});

/** Served while sealed too: it is what a log that sealed the daemon is mended with. */
const logMethod = (house: House, name: string, handle: (desk: Desk, params: never) => unknown): Entry => ({
  params: validatorOf(`root.${name}`),
  permitted: always,
  handle: (params) => {
    const desk = deskOf(house, (params as { readonly operator: string }).operator);
    desk.requireEnrolled();
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
    handle: () => ({
      keys: {
        totp: house.heads.publicKey(TOTP_LOG),
        gateway: house.heads.publicKey(GATEWAY_LOG),
        export: house.heads.exportKey,
      },
    }),
  },
  'attack.record': {
    params: validatorOf('root.attack.record'),
    permitted: always,
    handle: (params) => {
      requireOpen(house);
      return recordAttack(house.journal, params as AttackRun);
    },
  },
  'backup.kept': {
    params: validatorOf('root.backup.kept'),
    permitted: () => house.sealed(),
    handle: (params) => backupKept(house, (params as { readonly generation: number }).generation),
  },
  'restore.finish': {
    params: validatorOf('root.restore.finish'),
    permitted: () => house.sealed(),
    handle: (_, { state }) => finishRestore(house, state),
  },
  'enrol.begin': method(house, 'enrol.begin', begin),
  'enrol.code': method(house, 'enrol.code', (desk, { code, digest }: CodeParams, opener) =>
    giveEnrolmentCode(desk, code, { opener, ...(digest === undefined ? {} : { digest }) }),
  ),
  'recovery.check': method(house, 'recovery.check', (desk, { recoveryCode }: { readonly recoveryCode: string }) => ({
    ok: isRecoveryCode(desk, recoveryCode),
  })),
  'log.examine': logMethod(house, 'log.examine', (desk, { log }: { readonly log: LogName }) => examineLog(desk, log)),
  'log.accept': logMethod(house, 'log.accept', (desk, params: AcceptParams) => acceptLog(desk, params)),
  'lockout.clear': method(house, 'lockout.clear', (desk, { channel }: { readonly channel: Channel }) =>
    clearLockout(desk, channel),
  ),
});

/** Tickets end with the connection, and so does an enrolment nobody else could finish. */
const endState = (house: House, state: RootState): void => {
  house.actionTickets.endOf(state);
  house.openRestore.endOf(state);
  for (const desk of house.desks.values()) if (desk.enrolment?.listed?.opener === state) desk.enrolment = null;
};

/** BACKUP_REQUEST and RESTORE_REQUEST; what is refused is answered with REFUSED. */
const answerBackup = (house: House, type: number, payload: Buffer, connection: Connection<RootState>): void => {
  const answer = (): { readonly type: number; readonly payload: Buffer } => {
    if (type === FRAME.BACKUP_REQUEST) return { type: FRAME.BACKUP, payload: backup(house, payload) };
    return { type: FRAME.RESTORE, payload: beginRestore(house, payload, connection.state) };
  };
  try {
    const { type: of, payload: bytes } = answer();
    connection.sendBinary(of, bytes);
  } catch (thrown) {
    connection.sendBinary(FRAME.REFUSED, refusedFrame(thrown));
  } finally {
    payload.fill(0);
  }
};

export const serveRoot = (house: House, at: Listening): Promise<SocketServer<RootState>> =>
  serveSocket<RootState>({
    ...at,
    name: 'root',
    table: tableOf(house),
    limits: { maxBinaryBytes: LIMITS.maxBinaryFrameBytes, idleTimeoutMs: Infinity },
    timers: house.timers,
    open: () => ({ desk: null }),
    onBinary: (type, payload, connection) => {
      if (BACKUP_FRAMES.has(type)) return answerBackup(house, type, payload, connection);
      const desk = type === FRAME.SEAL_KEY_REQUEST ? connection.state.desk : null;
      const answer = exchangeKey(desk, type, payload, connection.state);
      connection.sendBinary(answer.type, answer.payload);
      answer.payload.fill(0);
    },
    onClose: ({ state }) => endState(house, state),
    onProtocolError: (_, error) => house.journal.note('protocol_error', { socket: 'root', code: error.code }),
  });
