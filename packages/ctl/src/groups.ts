/** Linux groups and who is in them, as getent says. */
import { spawnSync } from 'node:child_process';

/** Names of the members of a group; none where there is no such group. */
export const groupMembers = (group: string): readonly string[] => {
  const { status, stdout } = spawnSync('getent', ['group', group], { encoding: 'utf8' });
  if (status !== 0) return [];
  return (stdout.trim().split(':')[3] ?? '').split(',').filter((name) => name !== '');
};
