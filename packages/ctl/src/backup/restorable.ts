/**
 * Every check that a restore makes of services and sizes, before a backup is made of them.
 *
 * BACKUP-8  an accepted list that no restore would take is left out, and named: its service works, and its operations are accepted anew.
 * BACKUP-9  a service, a file or a number of them that no restore would take is refused by name.
 */
import { CLIENT_LIMITS } from '@airlock/ipc';
import { AirlockError, MAX_BLOB_BYTES, parseEntry, parseListed, validate } from '@airlock/protocol';
import { HOLD, holdBytes, holdParams, LONGEST_TICKET, named, orderBytes, type BackedUpService } from './requests.js';

/** Largest file that `restore` reads, and so that `backup` writes. */
export const MAX_BACKUP_BYTES = 128 * 1024 * 1024;

/** Quoted for a shell where it has to be. */
export const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

const isTaken = (one: Pick<BackedUpService, 'entry' | 'listed'>): boolean => {
  const params = holdParams(LONGEST_TICKET, one);
  return validate(`operator.${HOLD}`, params) === null && holdBytes(params) <= CLIENT_LIMITS.maxFrameOutBytes;
};

const removeHint = (path: string, service: string): string =>
  `airlock-ctl service remove ${service}, then add it anew; where there is no such service any more: sudo mv ${word(path)} /root/`;

/** As the gateway will read it. @param path of its file @throws AirlockError VAULT_UNREADABLE that names it */
export const requireEntry = (path: string, service: string, entry: string): void => {
  const found = parsedOrNull(() => parseEntry(path, entry))?.service;
  if (found === undefined)
    throw new AirlockError('VAULT_UNREADABLE', `${path} is damaged, and no restore would take it`, {
      hint: removeHint(path, service),
    });
  if (found !== service)
    throw new AirlockError(
      'VAULT_UNREADABLE',
      `${path} is the file of another service (${found}), and no restore would take it`,
      {
        hint: `move it away: sudo mv ${word(path)} /root/`,
      },
    );
  if (isTaken({ entry, listed: '' })) return;
  throw new AirlockError('VAULT_UNREADABLE', `${path} is too large, and no restore would take it`, {
    hint: removeHint(path, service),
  });
};

const parsedOrNull = <T>(parse: () => T): T | null => {
  try {
    return parse();
  } catch {
    return null;
  }
};

/** @returns why the accepted list is left out, or null where a restore takes it with its entry */
export const whyLeftOut = (entry: string, listed: string): string | null => {
  if (listed !== '' && parsedOrNull(() => parseListed(listed)) === null) return 'damaged';
  return isTaken({ entry, listed }) ? null : 'too large';
};

/** One part of a path that names something in its folder, whatever else it is made of: a restore writes as root. */
export const isFileName = (part: string): boolean => part !== '' && part !== '.' && part !== '..' && !/[/\p{Cc}]/u.test(part);

/** @throws AirlockError VAULT_UNREADABLE that names it */
export const requireConfigName = (path: string, name: string): void => {
  if (isFileName(name)) return;
  throw new AirlockError('VAULT_UNREADABLE', `${path} has a name that no restore puts back (it has a control character)`, {
    hint: `give it another, or move it out of the configuration: sudo mv ${word(path)} /root/`,
  });
};

const countsOf = (services: readonly BackedUpService[]): string => {
  const counts = new Map<string, number>();
  for (const { operator } of services) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  return [...counts].map(([operator, count]) => `${operator} ${count}`).join(', ');
};

/** airlock-totp is told of all of them in one blob, with a ticket of each operator. @throws AirlockError UNAVAILABLE */
export const requireOrder = (operators: readonly string[], services: readonly BackedUpService[]): void => {
  const order = services.map(named);
  const tickets = Object.fromEntries(operators.map((operator) => [operator, LONGEST_TICKET]));
  const isShaped = validate('restoreOrder', { tickets: {}, services: order }) === null;
  if (isShaped && orderBytes(tickets, order).length <= MAX_BLOB_BYTES) return;
  throw new AirlockError('UNAVAILABLE', `one backup cannot name ${services.length} services (${countsOf(services)})`, {
    retry: 'never',
    hint: 'remove what nobody uses any more: airlock-ctl service list, airlock-ctl service remove SERVICE',
  });
};

/** What a text takes in the JSON of a backup. */
export const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));

/** @param sizes bytes by path @throws AirlockError UNAVAILABLE that names the largest */
export const requireRoom = (sizes: ReadonlyMap<string, number>): void => {
  const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (total <= MAX_BACKUP_BYTES) return;
  const [[path, bytes] = ['', 0]] = [...sizes].sort(([, a], [, b]) => b - a);
  throw new AirlockError(
    'UNAVAILABLE',
    `a backup has at most ${MAX_BACKUP_BYTES} bytes, and this one would have more; largest of it is ${path} (${bytes} bytes)`,
    { retry: 'never', hint: 'move what nobody needs any more out of the configuration, the largest first' },
  );
};
