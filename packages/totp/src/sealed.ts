/** The daemon whose state cannot be read: every socket answers with the reason, `status` says it (architecture.md). */
import { always, serveSocket, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { FRAME, LIMITS, validatorOf, type AirlockError, type Clock } from '@airlock/protocol';
import { statusOf } from './operators/status.js';
import { refusedFrame } from './operators/refused-frame.js';

/** Everything a sealed daemon needs to know. */
export interface SealedOptions {
  readonly reason: AirlockError;
  readonly clock: Clock;
  readonly periodS: number;
}

const METHODS: Readonly<Record<string, readonly string[]>> = {
  approve: [
    'pending',
    'request.approve',
    'request.deny',
    'action.open',
    'action.wait',
    'action.cancel',
    'leases',
    'revoke',
    'lock',
    'heads',
    'export.keys',
    'export.sign',
    'subscribe',
    'reset.recover',
    'enrol.begin',
    'enrol.code',
  ],
  presence: ['report', 'sleep'],
  root: [
    'backup.kept',
    'restore.finish',
    'enrol.begin',
    'enrol.code',
    'recovery.check',
    'lockout.clear',
    'attack.record',
    'keys',
    'log.examine',
    'log.accept',
  ],
  bridge: [
    'hello',
    'heartbeat',
    'request.open',
    'request.get',
    'request.take',
    'ticket.create',
    'action.redeem',
    'record.committed',
    'record.rewrap',
    'records.rewrapped',
    'record.removed',
    'lease.release',
    'restore.held',
    'restore.applied',
    'head.sign',
  ],
};

const tableOf = (family: string, { reason, clock, periodS }: SealedOptions): Readonly<Record<string, MethodEntry<null>>> => {
  const refused = (name: string): MethodEntry<null> => ({
    params: validatorOf(name),
    permitted: () => reason,
    handle: () => undefined,
  });
  const names = METHODS[family] ?? [];
  const entries = names.map((name): [string, MethodEntry<null>] => [name, refused(`${family}.${name}`)]);
  if (family === 'approve' || family === 'bridge')
    entries.push(['log.segments', refused('log.segments')], ['log.read', refused('log.read')]);
  if (family === 'approve' || family === 'root') {
    const status = {
      params: validatorOf(`${family}.status`),
      permitted: always,
      handle: () => statusOf(null, reason, clock, periodS),
    };
    entries.push(['status', status]);
  }
  return Object.fromEntries(entries);
};

/** @param name as in LISTEN_FDNAMES: `approve/OP`, `bridge`, `presence`, `release` or `root` */
export const serveSealed = (name: string, at: Listening, options: SealedOptions): Promise<SocketServer<null>> => {
  const family = name.replace(/\/.*/, '');
  return serveSocket<null>({
    ...at,
    name,
    table: tableOf(family, options),
    limits: { maxBinaryBytes: family === 'bridge' || family === 'root' ? 0 : LIMITS.maxBinaryFrameBytes },
    open: () => null,
    onBinary: (_, payload, connection) => {
      payload.fill(0);
      connection.sendBinary(FRAME.REFUSED, refusedFrame(options.reason));
      connection.close(options.reason);
    },
  });
};
