/** Where an agent's commands keep a lease and the secret of its session between two processes (STORE-1 to STORE-4). */
import { join } from 'node:path';
import { AirlockError, isName } from '@airlock/protocol';
import { apart, isAbsolute } from './apart.js';
import { readPrivate, removePrivate, writePrivate } from './private-file.js';
import type { Env } from './socket.js';

export interface LeaseStore {
  readonly directory: string;
  /** Text of the stored lease, or null. */
  readLease(role: string): string | null;
  writeLease(role: string, lease: string): void;
  /** Idempotent. */
  clearLease(role: string): void;
  /** Resume secret of the session, or null. */
  readResume(role: string): string | null;
  writeResume(role: string, resume: string): void;
}

export interface LeaseStoreOptions {
  readonly env?: Env;
  /** Whose files count as ours. Default: the effective user. */
  readonly uid?: number;
}

const directoryOf = (env: Env, uid: number): string => {
  const { XDG_RUNTIME_DIR: runtime, HOME: home } = env;
  if (isAbsolute(runtime)) return join(runtime, 'airlock');
  return apart(isAbsolute(home) ? join(home, '.local/state/airlock') : `/tmp/airlock-${uid}`, env);
};

const fileOf = (directory: string, role: string, kind: 'lease' | 'session'): string => {
  if (!isName(role)) throw new AirlockError('PARAMS_INVALID', 'the role is no name of a role', { field: 'role' });
  return join(directory, `${role}.${kind}`);
};

/**
 * The store of this user: `$XDG_RUNTIME_DIR/airlock/ROLE.lease` and `ROLE.session`; without XDG_RUNTIME_DIR below
 * `$HOME/.local/state/airlock`, without a home `/tmp/airlock-UID` (both with a digest behind where the sockets are
 * not in /run/airlock). Nothing is made before something is written.
 * @throws AirlockError (its methods) CONFIG_INVALID where directory or file are not ours alone.
 */
export const leaseStore = ({ env = process.env, uid = process.geteuid?.() ?? -1 }: LeaseStoreOptions = {}): LeaseStore => {
  const directory = directoryOf(env, uid);
  return {
    directory,
    readLease: (role) => readPrivate(fileOf(directory, role, 'lease'), uid),
    writeLease: (role, lease) => writePrivate(fileOf(directory, role, 'lease'), lease, uid),
    clearLease: (role) => removePrivate(fileOf(directory, role, 'lease'), uid),
    readResume: (role) => readPrivate(fileOf(directory, role, 'session'), uid),
    writeResume: (role, resume) => writePrivate(fileOf(directory, role, 'session'), resume, uid),
  };
};
