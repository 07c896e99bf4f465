/** Names of groups, for messages: Node looks up no group by its number. */
import { readFileSync } from 'node:fs';

/** The line of a group in group(5): name, password, number, members. */
const nameIn = (groupFile: string, gid: number): string | undefined =>
  groupFile
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(gid))?.[0];

/** The name in /etc/group, else the number. */
export const groupName = (gid: number, file = '/etc/group'): string => {
  try {
    return nameIn(readFileSync(file, 'utf8'), gid) ?? String(gid);
  } catch {
    return String(gid);
  }
};
