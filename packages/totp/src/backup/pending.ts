/**
 * A restore that was decided, until it has taken effect: `restore.pending`, sealed under W.
 *
 * BACKUP-5  writing that file is the one step at which a restore happens. Before it nothing was changed; after it the daemon
 *           starts anew and carries it out, however often it is killed meanwhile.
 */
import { AirlockError, asAirlockError, type CompiledConfig } from '@airlock/protocol';
import { nowOf, type House } from '../operators/house.js';
import type { Journal } from '../heads/journal.js';
import type { OperatorState } from '../queue/state.js';
import { removeGrants } from '../register/grants.js';
import { renewLeaseRoot } from '../register/lease-key.js';
import { removeLeases } from '../register/leases.js';
import { corrupted, type StateDirectory } from '../state/directory.js';
import type { Random } from '../state/random.js';
import { writeSecrets } from '../state/secrets.js';
import { readState, writeState } from '../state/snapshot.js';
import { unwrapBytes, wrapBytes } from '../state/wrapping.js';
import { decodeArchive, encodeArchive, restoredState, type Archive } from './archive.js';
import { readCounter, restoredFrom, writeCounter } from './counter.js';

const FILE = 'restore.pending';
const ID_BYTES = 16;

/** Id of a restore, in front of its archive. */
export const RESTORE_ID_CHARS = 22;
export const newRestoreId = (random: Random): string => random.bytes(ID_BYTES).toString('base64url');

/** An archive with what the gateway has to put in force with it. */
export type Decided = Archive & Required<Pick<Archive, 'due'>>;

/** Durable on return: from here on the restore has happened. @throws AirlockError VAULT_UNREADABLE */
export const writePending = (directory: StateDirectory, wrappingKey: Uint8Array, id: string, archive: Decided): void => {
  const plain = Buffer.concat([Buffer.from(id), encodeArchive(archive)]);
  directory.write(FILE, wrapBytes(wrappingKey, FILE, plain));
  plain.fill(0);
};

export interface Opening {
  readonly directory: StateDirectory;
  readonly wrappingKey: Uint8Array;
  readonly journal: Journal;
  readonly random: Random;
  readonly clock: House['clock'];
  readonly bootId: string;
  readonly config: CompiledConfig;
}

/** The state on this machine; `unreadable` is about to be replaced, or seals when it is needed. */
const stateHere = (directory: StateDirectory, operator: string): OperatorState | 'unreadable' | null => {
  try {
    return readState(directory, operator);
  } catch {
    return 'unreadable';
  }
};

/** BACKUP-6: a restore unlocks nobody; what cannot be read may have been locked. */
const isLocked = (directory: StateDirectory, operator: string): boolean => {
  const here = stateHere(directory, operator);
  return here === 'unreadable' || here?.locked === true;
};

/** BACKUP-6: the key of leases is of the machine, so those of everybody end with it. @throws AirlockError AUDIT_UNAVAILABLE, VAULT_UNREADABLE */
const endEverybodys = ({ directory, journal, config }: Opening): void => {
  for (const operator of config.operators) {
    const state = stateHere(directory, operator);
    if (state === null || state === 'unreadable') continue;
    const { leases, grants } = state;
    for (const { id, role } of leases) journal.record('lease_revoked', { operator, lease: id, role });
    for (const { id, role } of grants) journal.record('grant_ended', { operator, grant: id, role, why: 'revoked' });
    const ids = [...leases, ...grants].map(({ id }) => id);
    if (ids.length > 0) writeState(directory, operator, removeGrants(removeLeases(state, ids), ids));
  }
};

/** What was decided is not lost by a disk that fails: the next start goes on. */
const halfWay = (thrown: unknown): AirlockError => {
  const { code, message } = asAirlockError(thrown);
  return new AirlockError(code, `a restore that was decided is not carried out yet: ${message}`, {
    hint: 'make room on the disk, or mend what is named; then: sudo systemctl restart airlock-totp, which goes on with it',
  });
};

const carryOut = (opening: Opening, id: string, { generation, madeMs, heads, keys, operators, due }: Decided): void => {
  const { directory, wrappingKey, journal, random } = opening;
  const now = nowOf(opening);
  journal.record('restored', { generation, made: madeMs, operators: operators.map(({ operator }) => operator), heads, keys });
  endEverybodys(opening);
  renewLeaseRoot(directory, wrappingKey, random);
  for (const { operator, state, secrets } of operators) {
    writeState(directory, operator, restoredState({ ...state, locked: state.locked || isLocked(directory, operator) }, now));
    writeSecrets(directory, wrappingKey, operator, secrets);
  }
  writeCounter(directory, restoredFrom(readCounter(directory), generation, { ...due, id }));
  directory.remove(FILE);
};

const isDecided = (archive: Archive | null): archive is Decided => archive?.due !== undefined;

/** At each start, before anything is read: carries out what was decided. @throws AirlockError VAULT_UNREADABLE, AUDIT_UNAVAILABLE */
export const applyPending = (opening: Opening): void => {
  const { directory, wrappingKey } = opening;
  const sealed = directory.read(FILE);
  if (sealed === null) return;
  const plain = unwrapBytes(wrappingKey, FILE, sealed);
  const archive = plain === null ? null : decodeArchive(plain.subarray(RESTORE_ID_CHARS));
  if (plain === null || !isDecided(archive)) throw corrupted(directory, FILE, 'does not open with the wrapping key');
  try {
    carryOut(opening, plain.subarray(0, RESTORE_ID_CHARS).toString('latin1'), archive);
  } catch (thrown) {
    throw halfWay(thrown);
  } finally {
    plain.fill(0);
  }
};
