/** The role that `airlock use` chose: `$XDG_CONFIG_HOME/airlock/role`, mode 0600 (STORE-1 to STORE-4). */
import { join } from 'node:path';
import { AirlockError, isName } from '@airlock/protocol';
import { apart, isAbsolute } from './apart.js';
import { readPrivate, removePrivate, writePrivate } from './private-file.js';
import type { Env } from './runtime-dir.js';

export interface RoleMemory {
  /** null where there is no home to keep it in. */
  readonly path: string | null;
  /** The role, or null. @throws AirlockError CONFIG_INVALID for a file that is not ours or holds no role. */
  read(): string | null;
  /** @throws AirlockError CONFIG_INVALID where there is nowhere to keep it */
  write(role: string): void;
  /** Idempotent. */
  forget(): void;
}

const configHome = ({ XDG_CONFIG_HOME: config, HOME: home }: Env): string | null => {
  if (isAbsolute(config)) return config;
  return isAbsolute(home) ? join(home, '.config') : null;
};

const noHome = (): AirlockError =>
  new AirlockError('CONFIG_INVALID', 'there is no directory to remember the role in', {
    hint: 'set HOME or XDG_CONFIG_HOME, or name the role each time: AIRLOCK_ROLE=ROLE',
  });

const readRole = (path: string, uid: number): string | null => {
  const text = readPrivate(path, uid);
  if (text === null || isName(text)) return text;
  throw new AirlockError('CONFIG_INVALID', `${path}: holds no name of a role`, { hint: 'choose one: airlock use ROLE' });
};

/** Of this user. `uid`: whose files count as ours; default: the effective user. */
export const roleMemory = (env: Env, uid: number = process.geteuid?.() ?? -1): RoleMemory => {
  const home = configHome(env);
  const path = home === null ? null : join(apart(join(home, 'airlock'), { ...env, AIRLOCK_SOCKET: undefined }), 'role');
  return {
    path,
    read: () => (path === null ? null : readRole(path, uid)),
    write: (role) => {
      if (path === null) throw noHome();
      writePrivate(path, role, uid);
    },
    forget: () => {
      if (path !== null) removePrivate(path, uid);
    },
  };
};
