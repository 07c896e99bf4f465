/**
 * Carries out, at the start, what `log.accept` decided.
 *
 * ACCEPT-2  each step can be done again: set aside, the head given up, recorded, and only then forgotten that it was to be done.
 * ACCEPT-3  nothing of the old log is deleted or changed: it is renamed.
 */
import { closeSync, constants, existsSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { AirlockError } from '@airlock/protocol';
import { corrupted, type StateDirectory } from '../state/directory.js';
import type { AuditAlert } from './alert.js';
import { GATEWAY_LOG, TOTP_LOG, type Heads, type LogName } from './heads.js';
import type { Journal } from './journal.js';

const FILE = 'log-accept.pending';

export interface PendingAccept {
  readonly id: string;
  readonly log: LogName;
  /** Of the last head that was signed. */
  readonly size: number;
  readonly hash: string;
  /** That head. */
  readonly note: string | null;
  /** What was known to be wrong. */
  readonly found: string;
  readonly operator: string;
  readonly at: string;
}

/** Durable on return: from here on it is decided. @throws AirlockError VAULT_UNREADABLE */
export const writePendingAccept = (directory: StateDirectory, pending: PendingAccept): void =>
  directory.write(FILE, Buffer.from(JSON.stringify(pending)));

const isPending = (value: unknown): value is PendingAccept => {
  const { id, log, size, hash, note, found, operator, at } = (value ?? {}) as Partial<PendingAccept>;
  const texts = [hash, found, operator, at, note ?? ''];
  const isLog = log === GATEWAY_LOG || log === TOTP_LOG;
  return isLog && /^[0-9a-f]{18}$/.test(id ?? '') && Number.isSafeInteger(size) && texts.every((one) => typeof one === 'string');
};

/** @throws AirlockError VAULT_UNREADABLE */
export const readPendingAccept = (directory: StateDirectory): PendingAccept | null => {
  const bytes = directory.read(FILE);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (isPending(value)) return value;
  } catch {
    // Told below.
  }
  throw corrupted(directory, FILE, 'is damaged');
};

const syncDirectory = (path: string): void => {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

const setAside = (directory: StateDirectory, dir: string, id: string): void => {
  const aside = `${dir}.set-aside-${id}`;
  if (existsSync(aside) || !existsSync(dir)) return;
  try {
    renameSync(dir, aside);
    syncDirectory(directory.path);
  } catch (thrown) {
    const code = String((thrown as NodeJS.ErrnoException).code);
    throw new AirlockError('VAULT_UNREADABLE', `${dir} cannot be set aside (${code})`, {
      hint: 'is the file system writable? then restart airlock-totp',
    });
  }
};

/** Before the log is opened. @throws AirlockError VAULT_UNREADABLE */
export const beginAnew = (directory: StateDirectory, heads: Heads, alert: AuditAlert, logDir: string): PendingAccept | null => {
  const pending = readPendingAccept(directory);
  if (pending === null) return null;
  const { id, log, size, hash } = pending;
  if (log === TOTP_LOG) setAside(directory, logDir, id);
  heads.giveUp(log, { id, size, hash });
  if (log === GATEWAY_LOG) alert.clear();
  return pending;
};

/** Once the log is open, and not before it is decided: a new log of this daemon says in its first record what it follows. @throws AirlockError */
export const recordAnew = (directory: StateDirectory, journal: Journal, pending: PendingAccept | null): void => {
  if (pending === null) return;
  journal.record('log_accepted', { ...pending });
  directory.remove(FILE);
};
