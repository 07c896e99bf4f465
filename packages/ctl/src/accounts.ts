/** Users and groups of the machine, from getent: local and directory accounts alike. */
import { spawnSync } from 'node:child_process';

export interface Account {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const getent = (database: 'passwd' | 'group', key: string): string[] | null => {
  const { status, stdout } = spawnSync('getent', [database, key], { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0] ?? '').split(':') : null;
};

/** By name or number; null where there is none. */
export const findAccount = (key: string): Account | null => {
  const [user = '', , uid, gid, , home = '/'] = getent('passwd', key) ?? [];
  return uid === undefined ? null : { user, uid: Number(uid), gid: Number(gid), home };
};

/** Number of a group; null where there is none. */
export const groupId = (name: string): number | null => {
  const [, , gid] = getent('group', name) ?? [];
  return gid === undefined ? null : Number(gid);
};
