/** A service as it is stored: definition in plain text, credential as ciphertext. */
import {
  AirlockError,
  validate,
  type Destination,
  type SealedRecordText,
  type ServiceView,
  type Settings,
} from '@airlock/protocol';
import { readHeader } from './record-header.js';

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

/** @throws AirlockError VAULT_UNREADABLE */
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

/** Version of the sealed record; 0 where there is none. */
export const versionOf = (entry: ServiceEntry | undefined): number =>
  entry === undefined || entry.record === null ? 0 : readHeader(entry.record).version;

/** As operators see it. */
export const viewOf = (
  { service, kind, settings, destination, fields, updatedAt }: ServiceEntry,
  title: string,
): ServiceView => ({
  service,
  kind,
  title,
  settings,
  destination,
  fields,
  updatedAt,
});
