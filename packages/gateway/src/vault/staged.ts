/**
 * Services of a backup, held below restore/ID until airlock-totp says that this restore has taken effect (hello).
 *
 * BACKUP-5  what is held here is nothing to anybody before that; afterwards it is put in force whole, however often this
 *           process is killed meanwhile: the files go last.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError, isoTime, sha256Hex, validate, type RedeemedAction } from '@airlock/protocol';
import type { House } from '../house.js';
import { restoreDir } from '../paths.js';
import { ensureDirectory, listDirectory, readListedFile, writeDurable } from '../state/files.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { parseEntry } from './entry.js';

const RESTORE_ID = /^[\w-]{22}$/;
const SUFFIX = '.json';

export interface RestoreParams {
  readonly ticket: string;
  readonly entry: string;
  /** What the operator had accepted of a service that lists its own operations; empty for none. */
  readonly listed: string;
}

interface Held {
  readonly entry: string;
  readonly listed: string;
}

const operatorDir = (house: House, id: string, operator: string): string => join(restoreDir(house.options), id, operator);

/** Holds one service. @throws AirlockError NOT_AUTHENTICATED for another content than was announced; VAULT_UNREADABLE */
export const serviceRestore = async (
  house: House,
  operator: string,
  { ticket, entry, listed }: RestoreParams,
): Promise<object> => {
  const verb = 'service.restore';
  const { action } = await house.bridge.call<RedeemedAction>('action.redeem', { ticket, operator, verb });
  if (action.verb !== verb || validate(`action.${verb}`, action.params) !== null)
    throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is of another action');
  const { service, digest, restore } = action.params;
  if (sha256Hex(`${entry}\n${listed}`) !== digest)
    throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is for another content', { field: 'params.entry' });
  if (!RESTORE_ID.test(restore) || parseEntry(`${service}${SUFFIX}`, entry).service !== service)
    throw new AirlockError('VAULT_UNREADABLE', 'the entry is of another service');
  ensureDirectory(restoreDir(house.options));
  // An earlier attempt that was never finished holds nothing any more.
  for (const old of listDirectory(restoreDir(house.options)))
    if (old !== restore) rmSync(join(restoreDir(house.options), old), { recursive: true, force: true });
  ensureDirectory(join(restoreDir(house.options), restore));
  ensureDirectory(operatorDir(house, restore, operator));
  writeDurable(join(operatorDir(house, restore, operator), service + SUFFIX), JSON.stringify({ entry, listed }));
  return { service };
};

const heldOf = (house: House, id: string, operator: string): Map<string, Held> =>
  new Map(
    listDirectory(operatorDir(house, id, operator))
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => [
        file.slice(0, -SUFFIX.length),
        JSON.parse(readListedFile(join(operatorDir(house, id, operator), file), GATEWAY_LIMITS.maxListedFileBytes)) as Held,
      ]),
  );

/** The operator's services are those of the backup, and no others. */
const putInForce = (house: House, id: string, operator: string): void => {
  const store = house.stores.get(operator);
  const listed = house.listed.get(operator);
  if (store === undefined || listed === undefined) return;
  const held = heldOf(house, id, operator);
  for (const service of [...store.entries.keys()]) {
    if (held.has(service)) continue;
    store.remove(service);
    listed.remove(service);
  }
  for (const [service, one] of held) {
    store.replace(parseEntry(`${service}${SUFFIX}`, one.entry));
    listed.restore(service, one.listed);
  }
  house.journal.note('config_changed', {
    verb: 'restore',
    operator,
    services: [...held.keys()],
    at: isoTime(house.clock.wallMs()),
  });
};

/** After each hello. Never throws: what cannot be read stays, and is said. */
export const applyRestored = (house: House, id: string | null | undefined): void => {
  if (id === null || id === undefined || !RESTORE_ID.test(id)) return;
  const dir = join(restoreDir(house.options), id);
  const operators = listDirectory(dir);
  if (operators.length === 0) return;
  try {
    for (const operator of operators) putInForce(house, id, operator);
    rmSync(dir, { recursive: true, force: true });
  } catch (thrown) {
    house.options.log(`services of a backup cannot be put in force: ${(thrown as Error).message}`);
  }
};
