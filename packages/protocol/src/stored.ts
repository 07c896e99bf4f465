/**
 * What airlock-gateway stores of a service: its entry of the sealed vault and the list of operations that was accepted. Read by
 * airlock-gateway at its start and at a restore, and by airlock-ctl before a backup takes them along (BACKUP-9).
 */
import { AirlockError, asAirlockError } from './errors.js';
import type { ListedOperation, Settings } from './connector.js';
import type { Destination } from './destination.js';
import { LIMITS } from './limits.js';
import type { SealedRecordText } from './methods/cell.js';
import { validate } from './validate.js';

/** A service as it is stored: definition in plain text, credential as ciphertext. */
export interface ServiceEntry {
  readonly v: 1;
  readonly service: string;
  readonly kind: string;
  readonly settings: Settings;
  readonly destination: Destination;
  readonly fields: readonly string[];
  readonly updatedAt: string | null;
  /** null: the credential was removed, the definition was not. */
  readonly record: SealedRecordText | null;
}

const MEMBERS = ['v', 'service', 'kind', 'settings', 'destination', 'fields', 'updatedAt', 'record'];

const malformed = (file: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `${file} is not as airlock-gateway wrote it`);

/** @param file its name in messages @throws AirlockError VAULT_UNREADABLE */
export const parseEntry = (file: string, text: string): ServiceEntry => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(file);
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== [...MEMBERS].sort().join())
    throw malformed(file);
  const { v, updatedAt, record, ...definition } = value as ServiceEntry;
  const isShaped = (v as unknown) === 1 && (updatedAt === null || typeof updatedAt === 'string');
  // The schema of the action that made it, so that a file takes no other shape than a request may.
  if (!isShaped || validate('action.service.add', { ...definition, test: false }) !== null) throw malformed(file);
  if (record !== null && validate('operator.credentials.put', { ticket: 'none', record }) !== null) throw malformed(file);
  return value as ServiceEntry;
};

/** LISTED-4. @param taken names that the kind has already @throws AirlockError UPSTREAM_REFUSED */
export const checkListed = (value: unknown, taken: ReadonlyMap<string, unknown>): readonly ListedOperation[] => {
  const problem = validate('listedOperations', value);
  const refuse = (what = 'its form'): AirlockError =>
    new AirlockError('UPSTREAM_REFUSED', `the list of operations is refused: ${what}`);
  if (problem !== null) throw refuse(problem.data.field);
  const listed = value as readonly ListedOperation[];
  if (JSON.stringify(listed).length > LIMITS.maxListedChars) throw refuse('it is too large');
  const names = new Set(listed.map(({ operation }) => operation.name));
  if (names.size !== listed.length || listed.some(({ operation }) => taken.has(operation.name)))
    throw refuse('a name stands twice');
  return listed;
};

/** A list as it was stored. @throws AirlockError VAULT_UNREADABLE */
export const parseListed = (text: string): readonly ListedOperation[] => {
  try {
    const value = JSON.parse(text) as { readonly v?: unknown; readonly accepted?: unknown };
    if (value.v !== 1) throw new AirlockError('VAULT_UNREADABLE', 'it is of another version');
    return checkListed(value.accepted, new Map());
  } catch (thrown) {
    throw new AirlockError('VAULT_UNREADABLE', `an accepted list is refused: ${asAirlockError(thrown).message}`);
  }
};
