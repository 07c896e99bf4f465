/** audit reopen: after a full disk, a failed sync or a read-only file system was repaired, the sealed daemons start again. */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { bothDaemons } from '../commands/status.js';
import type { Context } from '../context.js';
import { note, print } from '../output.js';
import { needInstallation, needRoot, system } from '../system.js';

interface Looked {
  readonly name: 'airlock-totp' | 'airlock-gateway';
  /** Why it serves nothing, or null. */
  readonly sealed: string | null;
  /** Of the record, which is what this command is about. */
  readonly isRecord: boolean;
}

const look = async (context: Context): Promise<readonly Looked[]> => {
  const { totp, gateway } = await bothDaemons(context);
  const of = (name: Looked['name'], up: typeof totp | typeof gateway): Looked => {
    const sealed = up.status === null ? (up.problem?.message ?? 'no answer') : (up.status.sealed?.message ?? null);
    return { name, sealed, isRecord: up.status?.sealed?.code === 'AUDIT_UNAVAILABLE' };
  };
  return [of('airlock-totp', totp), of('airlock-gateway', gateway)];
};

/** A daemon answers a moment after it was started. */
const TRIES = 50;
const WAIT_MS = 200;

const untilOpen = async (context: Context): Promise<readonly Looked[]> => {
  for (let tried = 1; ; tried += 1) {
    const looked = await look(context);
    if (tried >= TRIES || looked.every(({ sealed }) => sealed === null)) return looked;
    await new Promise<void>((resolve) => void systemTimers.after(WAIT_MS, resolve));
  }
};

/** Starts what is sealed because of its record; each verifies its log from the last signed head on. @returns the exit status */
export const reopen = async (context: Context): Promise<number> => {
  needInstallation(context, 'stop the launcher and start it again: it opens both logs anew');
  needRoot();
  const sealed = (await look(context)).filter(({ isRecord }) => isRecord);
  if (sealed.length === 0)
    throw new AirlockError('NOT_FOUND', 'no daemon is sealed because of its record', { hint: 'airlock-ctl status' });
  system('systemctl', 'restart', ...sealed.map(({ name }) => `${name}.service`));
  const now = await untilOpen(context);
  const left = now.filter((one) => one.sealed !== null);
  const value = {
    reopened: sealed.map(({ name }) => name).filter((name) => !left.some((one) => one.name === name)),
    sealed: left,
  };
  print(
    context,
    value,
    left.length === 0 ? 'both logs are open' : left.map((one) => `${one.name} is sealed: ${one.sealed ?? ''}`).join('\n'),
  );
  if (left.length > 0)
    note(context, 'airlock: hint: is there room, and is the file system writable? df -h /var/lib; mount; then once more');
  return left.length === 0 ? 0 : 7;
};
