/** Which operator an account belongs to: members of airlock-o-OPERATOR, from the text of /etc/group and /etc/passwd. Pure. */

const linesOf = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'));

const PREFIX = 'airlock-o-';

/** Uid → operators. An account may belong to several; root belongs to none. */
export const operatorsByUid = (
  group: string,
  passwd: string,
  operators: readonly string[],
): ReadonlyMap<number, readonly string[]> => {
  const members = new Map<string, readonly string[]>();
  const gids = new Map<string, string>();
  for (const [name = '', , gid = '', list = ''] of linesOf(group)) {
    const operator = name.slice(PREFIX.length);
    if (!name.startsWith(PREFIX) || !operators.includes(operator)) continue;
    members.set(operator, list.split(','));
    gids.set(gid, operator);
  }
  const found = new Map<number, readonly string[]>();
  for (const [user = '', , uid = '', gid = ''] of linesOf(passwd)) {
    if (!/^[1-9]\d*$/.test(uid)) continue;
    const own = [...members].filter(([operator, list]) => list.includes(user) || gids.get(gid) === operator);
    if (own.length > 0)
      found.set(
        Number(uid),
        own.map(([operator]) => operator),
      );
  }
  return found;
};
