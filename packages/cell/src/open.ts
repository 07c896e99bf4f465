/**
 * From `open` to an opened credential, in this order and no other.
 *
 * RELEASE-7  The cell opens no outbound connection before the grant and none but to the sealed destination after.
 * RELEASE-6  The key is overwritten as soon as the record is open.
 *
 * CELL-8  Manifest and settings give the destination; it has to be the one the gateway names and the one that is
 *         sealed with the credential, before a ticket is spent.
 * CELL-9  Service, owner and lease of record, order and grant are the same.
 */
import {
  AirlockError,
  decodeBase64url,
  destinationDigest,
  fillSettings,
  resolveDestination,
  type CellOpenParams,
  type Clock,
  type Connector,
  type ConnectorContext,
  type ConnectorManifest,
  type Pins,
  type ReleaseLimits,
} from '@airlock/protocol';
import { newMask, type Mask } from '@airlock/guard';
import {
  asDek,
  expectHeader,
  fromSealedRecord,
  openRecord,
  parseHeader,
  type Fields,
  type SealedRecordBytes,
} from '@airlock/vault';
import { findConnector, loadConnector } from './connector-directory.js';
import type { ReleaseOrder } from './release-messages.js';
import { Rotation, rotatingFields } from './rotation.js';
import type { Granted } from './watchdog-thread.js';

/** A cell that may work: everything it was told and has checked. */
export interface OpenedCell {
  readonly manifest: ConnectorManifest;
  readonly connector: Connector;
  readonly context: ConnectorContext;
  readonly limits: ReleaseLimits;
  /** Takes the credential out of whatever leaves. */
  readonly mask: Mask;
  /** What the operator accepted of the operations the service lists itself. */
  readonly pins: Pins;
  /** null for a kind without rotating fields. */
  readonly rotation?: Rotation | null;
}

export interface OpenOptions {
  readonly connectorDirectories: readonly string[];
  readonly clock: Clock;
  /** Of this slot's host of MCP servers; null where the cell was not told its slot. */
  readonly hostSocket: string | null;
  readonly release: (order: ReleaseOrder) => Promise<Granted>;
}

const ticketBytes = (ticket: string): Buffer => {
  const bytes = decodeBase64url(ticket);
  if (bytes?.length === 32) return bytes;
  throw new AirlockError('PARAMS_INVALID', 'params.ticket: expected 32 bytes in base64url', { field: 'params.ticket' });
};

const otherDestination = (): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', 'the service goes elsewhere than its credential was sealed for', {
    hint: 'a new destination needs the credential again; the operator can run: airlock-ctl credentials add SERVICE',
  });

/** CELL-8. @returns the context without the credential. @throws AirlockError PARAMS_INVALID, VAULT_UNREADABLE */
const checkDestination = (
  params: CellOpenParams,
  manifest: ConnectorManifest,
  record: SealedRecordBytes,
): Pick<ConnectorContext, 'settings' | 'destination'> => {
  const destination = resolveDestination(manifest, params.settings);
  const digest = destinationDigest(destination);
  if (digest !== destinationDigest(params.destination)) throw otherDestination();
  const header = parseHeader(record.header);
  if (header.destination !== digest) throw otherDestination();
  expectHeader(header, { service: params.service });
  return { settings: fillSettings(manifest.settings, params.settings), destination };
};

/** CELL-9. A trial has no lease yet. */
const checkGrant = (params: CellOpenParams, limits: ReleaseLimits): void => {
  if (limits.service !== params.service)
    throw new AirlockError('LEASE_SCOPE', 'the release is for another service', { found: limits.service });
  if (!limits.trial && limits.lease !== params.lease) throw new AirlockError('LEASE_INVALID', 'the release is for another lease');
};

/** Opens the record and overwrites the key, whatever happens. @throws AirlockError VAULT_UNREADABLE */
const openCredential = (record: SealedRecordBytes, { dek, limits }: Granted, params: CellOpenParams): Fields => {
  try {
    checkGrant(params, limits);
    const expected = { service: params.service, owner: limits.operator };
    return openRecord({ dek: asDek(dek), header: record.header, body: record.body, expected }).fields;
  } finally {
    dek.fill(0);
  }
};

/**
 * @throws AirlockError PARAMS_INVALID, CONFIG_INVALID (connector), VAULT_UNREADABLE (record, destination), or what
 *   airlock-totp answered to the ticket.
 */
export const openCell = async (params: CellOpenParams, options: OpenOptions): Promise<OpenedCell> => {
  const installed = findConnector(options.connectorDirectories, params.kind);
  const record = fromSealedRecord(params.record);
  const target = checkDestination(params, installed.manifest, record);
  const fields = rotatingFields(installed.manifest);
  const granted = await options.release({
    ticket: ticketBytes(params.ticket),
    header: record.header,
    wrapped: record.wrapped,
    withNext: fields.length > 0,
  });
  const credential = openCredential(record, granted, params);
  let mask = newMask(Object.values(credential));
  const onSecrets = (values: readonly string[]): void => void (mask = newMask([...Object.values(credential), ...values]));
  const { version: base } = parseHeader(record.header);
  const rotation = fields.length === 0 ? null : new Rotation({ fields, credential, base, next: granted.next ?? null, onSecrets });
  return {
    manifest: installed.manifest,
    connector: loadConnector(installed),
    context: {
      ...target,
      manifest: installed.manifest,
      credential,
      clock: options.clock,
      ...(rotation === null ? {} : { rotate: (work) => rotation.rotate(work) }),
      ...(options.hostSocket === null ? {} : { hostSocket: options.hostSocket }),
    },
    limits: granted.limits,
    mask: (value) => mask(value),
    rotation,
    pins: params.pins ?? {},
  };
};
