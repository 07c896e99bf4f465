/**
 * Services of a backup, held below restore/ID until airlock-totp says that this restore has taken effect (hello).
 *
 * BACKUP-5   what is held here is nothing to anybody before that; afterwards it is put in force whole, however often this
 *            process is killed meanwhile: what is held goes last, once nothing asks for it any more.
 * BACKUP-11  airlock-totp is told of each service once it is durable; nothing that is due is removed for another restore.
 * BACKUP-12  what is held counts only where it is what airlock-totp names, and once.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  AirlockError,
  isoTime,
  parseListed,
  servicesDigest,
  sha256Hex,
  validate,
  type DueRestore,
  type RedeemedAction,
  type RestoreService,
} from '@airlock/protocol';
import type { House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { restoreDir } from '../paths.js';
import { codeOf, ensureDirectory, listDirectory, readListedFile, writeDurable } from '../state/files.js';
import { parseEntry, type ServiceEntry } from './entry.js';
import { RESTORE_ID } from './restore-state.js';

const SUFFIX = '.json';

export interface RestoreParams {
  readonly ticket: string;
  readonly entry: string;
  /** What the operator had accepted of a service that lists its own operations; empty for none. */
  readonly listed: string;
}

type HeldFile = Omit<RestoreParams, 'ticket'>;

interface Held extends RestoreService {
  readonly parsed: ServiceEntry;
  readonly listed: string;
}

const heldDir = (house: House, id: string): string => join(restoreDir(house.options), id);

const digestOf = ({ entry, listed }: HeldFile): string => sha256Hex(`${entry}\n${listed}`);

/** What could not be put in force later is not held. @throws AirlockError VAULT_UNREADABLE */
const requireFit = (service: string, { entry, listed }: HeldFile): void => {
  if (parseEntry(`${service}${SUFFIX}`, entry).service !== service)
    throw new AirlockError('VAULT_UNREADABLE', 'the entry is of another service');
  if (listed !== '') parseListed(listed);
};

/** Airlock-totp has one restore open at a time. Others are over, but one that is decided and not in force yet. */
const removeOver = (house: House, open: string): void => {
  for (const id of listDirectory(restoreDir(house.options)))
    if (id !== open && id !== house.restores.due?.id) rmSync(heldDir(house, id), { recursive: true, force: true });
};

/** Holds one service. @throws AirlockError NOT_AUTHENTICATED for another content than was announced; VAULT_UNREADABLE, NOT_FOUND */
export const serviceRestore = async (house: House, operator: string, params: RestoreParams): Promise<object> => {
  const verb = 'service.restore';
  const { ticket, entry, listed } = params;
  const { action } = await house.bridge.call<RedeemedAction>('action.redeem', { ticket, operator, verb });
  if (action.verb !== verb || validate(`action.${verb}`, action.params) !== null)
    throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is of another action');
  const { service, digest, restore } = action.params;
  if (digestOf(params) !== digest)
    throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is for another content', { field: 'params.entry' });
  if (!RESTORE_ID.test(restore)) throw new AirlockError('VAULT_UNREADABLE', 'the restore has no id');
  requireFit(service, params);
  ensureDirectory(restoreDir(house.options));
  removeOver(house, restore);
  ensureDirectory(heldDir(house, restore));
  ensureDirectory(join(heldDir(house, restore), operator));
  writeDurable(join(heldDir(house, restore), operator, service + SUFFIX), JSON.stringify({ entry, listed }));
  await house.bridge.call('restore.held', { restore, operator, service });
  return { service };
};

const heldIn = (house: House, id: string, operator: string): Held[] => {
  const dir = join(heldDir(house, id), operator);
  const files = listDirectory(dir).filter((file) => file.endsWith(SUFFIX));
  return files.map((file) => {
    const held = JSON.parse(readListedFile(join(dir, file), GATEWAY_LIMITS.maxListedFileBytes)) as HeldFile;
    const parsed = parseEntry(file, held.entry);
    return { operator, service: parsed.service, digest: digestOf(held), parsed, listed: held.listed };
  });
};

const notWhole = (what: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `a backup was restored, and ${what}`, {
    hint: 'restore it again: sudo airlock-ctl restore FILE --force',
  });

/** All of it, or nothing: a part is no backup (BACKUP-12). @throws AirlockError VAULT_UNREADABLE */
const heldWhole = (house: House, { id, services }: DueRestore): Held[] => {
  let held: Held[];
  try {
    if (!RESTORE_ID.test(id)) throw new Error('its id is none');
    held = listDirectory(heldDir(house, id)).flatMap((operator) => heldIn(house, id, operator));
  } catch (thrown) {
    throw notWhole(`its services cannot be read: ${(thrown as Error).message}`);
  }
  if (servicesDigest(held) === services) return held;
  throw notWhole(`its services are not all here: ${held.map(({ service }) => service).join(', ') || 'none'} of them are`);
};

/** The operator's services are those of the backup, and no others. @throws AirlockError, Error of the disk */
const putInForce = (house: House, operator: string, held: readonly Held[]): void => {
  house.stores.get(operator)?.replaceAll(held.map(({ parsed }) => parsed));
  house.listed.get(operator)?.replaceAll(new Map(held.map(({ service, listed }) => [service, listed])));
};

/** Once, and before anything is changed. @throws AirlockError AUDIT_UNAVAILABLE */
const record = ({ clock, journal, restores }: House, due: DueRestore, held: readonly Held[]): void => {
  if (restores.recorded === due.id) return;
  for (const operator of due.operators) {
    const services = held.filter((one) => one.operator === operator).map(({ service }) => service);
    journal.log.appendDurableSync('config_changed', { verb: 'restore', operator, services, at: isoTime(clock.wallMs()) });
  }
  restores.recorded = due.id;
};

const halfWay = (thrown: unknown): AirlockError =>
  new AirlockError(
    'UNAVAILABLE',
    `a backup was restored, and its services are not all in force: ${thrown instanceof AirlockError ? thrown.message : codeOf(thrown)}`,
    {
      hint: 'make room for /var/lib/airlock-gateway (df -h); it is completed by itself',
      retryAfterMs: GATEWAY_LIMITS.restoreRetryMs,
    },
  );

/** @throws AirlockError VAULT_UNREADABLE, nothing changed; UNAVAILABLE, to be done again */
const complete = (house: House, due: DueRestore): void => {
  if (house.restores.applied === due.id) return;
  const held = heldWhole(house, due);
  try {
    record(house, due, held);
    for (const operator of due.operators)
      putInForce(
        house,
        operator,
        held.filter((one) => one.operator === operator),
      );
    house.restores.keep(due.id);
  } catch (thrown) {
    throw halfWay(thrown);
  }
};

/** Nothing asks for it any more: however much of it is left after a kill, it goes at the next hello. */
const removeHeld = (house: House, id: string | null): void => {
  try {
    if (id !== null) rmSync(heldDir(house, id), { recursive: true, force: true });
  } catch (thrown) {
    house.options.log(`what was held of a backup cannot be removed: ${codeOf(thrown)}`);
  }
};

/** @returns whether nothing is due any more */
const isComplete = (house: House, due: DueRestore): boolean => {
  const { options, restores } = house;
  try {
    complete(house, due);
    restores.problem = null;
    return true;
  } catch (thrown) {
    const problem = thrown as AirlockError;
    if (restores.problem?.message !== problem.message) options.log(problem.message);
    restores.problem = problem;
    return false;
  }
};

/** After each hello: what is due is put in force, now or as soon as that can be done. Never throws. */
export const applyRestored = (house: House, due: DueRestore | null, whenInForce: () => void): void => {
  const { restores, timers } = house;
  restores.due = due;
  if (due !== null && !isComplete(house, due)) {
    timers.after(GATEWAY_LIMITS.restoreRetryMs, () => {
      if (restores.due === due) applyRestored(house, due, whenInForce);
    });
    return;
  }
  if (due === null) restores.problem = null;
  // Unheard, it is named by the next hello, and said again.
  else house.bridge.call('restore.applied', { restore: due.id }).catch(() => undefined);
  removeHeld(house, restores.applied);
  whenInForce();
};
