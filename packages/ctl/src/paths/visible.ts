/** Whether a cell can read a path of this machine, found before a code is asked for. */
import { AirlockError } from '@airlock/protocol';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Context } from '../context.js';
import { isInstalled } from '../system.js';
import { placeOf, readPaths } from './registry.js';

/** What the unit of a cell shows empty (ProtectHome, PrivateTmp), whatever the modes are. */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Modes only: what cannot be looked at from here cannot be read by a cell either, but below /srv/airlock, which is theirs. */
const isOpen = (path: string): boolean => {
  if (isBelow(path, '/srv/airlock')) return true;
  if (HIDDEN.some((folder) => isBelow(path, folder))) return false;
  for (let at = path; at !== '/'; at = dirname(at)) {
    try {
      const wanted = at === path && statSync(at).isFile() ? 0o004 : at === path ? 0o005 : 0o001;
      if ((statSync(at).mode & wanted) !== wanted) return false;
    } catch (error) {
      // The login that is tried says that nothing is there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false;
    }
  }
  return true;
};

/**
 * Where a cell finds this path: elsewhere where root allowed it, else there.
 * @throws AirlockError PARAMS_INVALID with the command that allows it
 */
export const visiblePath = (context: Context, path: string): string => {
  if (!isInstalled(context)) return path;
  const allowed = readPaths(context.configDir).find((one) => one.path === path);
  if (allowed) return placeOf(allowed);
  if (isOpen(path)) return path;
  throw new AirlockError('PARAMS_INVALID', `${path} cannot be read by cells`, {
    field: 'path',
    expected: 'a path that root allowed, or one that everybody can read',
    found: path,
    hint: `sudo airlock-ctl path allow ${/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path}'`}; then the same again`,
  });
};
