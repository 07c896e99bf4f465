/** A service as it is stored: definition in plain text, credential as ciphertext. */
import type { ServiceEntry, ServiceView } from '@airlock/protocol';
import { readHeader } from './record-header.js';

export { parseEntry, type ServiceEntry } from '@airlock/protocol';

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
