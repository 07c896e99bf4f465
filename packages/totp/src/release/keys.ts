/**
 * Record keys: drawn, wrapped and unwrapped here, and nowhere else.
 *
 * RELEASE-4  a header that is another owner's, service's or vault's, or older than the newest, is refused.
 * RELEASE-6  a key stands in a Buffer only, and is overwritten after use.
 * RELEASE-9  the header is written here, from what was approved.
 */
import { AirlockError, destinationDigest, type Destination } from '@airlock/protocol';
import {
  asTotpSecret,
  asVaultRoot,
  deriveKek,
  expectHeader,
  headerBytes,
  newDek,
  parseHeader,
  unwrapDek,
  wipe,
  wrapDek,
  wrappingEpoch,
  type Dek,
  type Kek,
  type RecordHeader,
} from '@airlock/vault';
import type { Desk } from '../operators/desk.js';
import { isVersionLive, nextVersion } from '../register/versions.js';
import { epochOf, secretOf } from '../state/secrets.js';

const RECORD_ID_BYTES = 16;

const unreadable = (message: string): AirlockError => new AirlockError('VAULT_UNREADABLE', message);

const kekOf = (desk: Desk, service: string, epoch: number): Kek => {
  const secrets = desk.requireEnrolled();
  const { root, vaultId } = secrets;
  const secret = secretOf(secrets, epoch);
  if (secret === undefined) throw unreadable('the record is of an enrolment that is not known here');
  return deriveKek({ totpSecret: asTotpSecret(secret), root: asVaultRoot(root), vaultId, owner: desk.operator, service, epoch });
};

export interface FreshKey {
  readonly dek: Dek;
  readonly header: Buffer;
  readonly wrapped: Buffer;
  readonly version: number;
}

/** A key for the next version of a record. The caller makes the version durable, and overwrites the key. */
export const drawKey = (desk: Desk, service: string, destination: Destination): FreshKey =>
  drawFor(desk, service, destinationDigest(destination));

/** The same for a record that exists: it may go nowhere else. */
export const drawNextKey = (desk: Desk, service: string, { destination }: RecordHeader): FreshKey =>
  drawFor(desk, service, destination);

const drawFor = (desk: Desk, service: string, destination: string): FreshKey => {
  const secrets = desk.requireEnrolled();
  const version = nextVersion(desk.state, service);
  const header = headerBytes({
    v: 1,
    vault: secrets.vaultId,
    owner: desk.operator,
    service,
    record: desk.house.random.bytes(RECORD_ID_BYTES).toString('base64url'),
    version,
    epoch: epochOf(secrets),
    destination,
  });
  const kek = kekOf(desk, service, epochOf(secrets));
  const dek = newDek();
  try {
    return { dek, header, wrapped: wrapDek({ kek, header, dek }), version };
  } finally {
    wipe(kek);
  }
};

/** The key of a sealed record. The caller overwrites it. @throws AirlockError VAULT_UNREADABLE */
export const unwrapKey = (
  desk: Desk,
  service: string,
  header: Uint8Array,
  wrapped: Uint8Array,
): { readonly dek: Dek; readonly header: RecordHeader } => {
  const parsed = parseHeader(header);
  expectHeader(parsed, { vault: desk.requireEnrolled().vaultId, owner: desk.operator, service });
  if (!isVersionLive(desk.state, service, parsed.version)) throw unreadable('the record is not the newest of its service');
  const kek = kekOf(desk, service, wrappingEpoch(parsed, wrapped));
  try {
    return { dek: unwrapDek({ kek, header, wrapped }), header: parsed };
  } finally {
    wipe(kek);
  }
};

/** The same key under the KEK of the phone that approves now; as it is where it is that already. @throws AirlockError VAULT_UNREADABLE */
export const rewrapKey = (desk: Desk, service: string, header: Uint8Array, wrapped: Uint8Array): Buffer => {
  const { dek, header: parsed } = unwrapKey(desk, service, header, wrapped);
  const epoch = epochOf(desk.requireEnrolled());
  try {
    if (wrappingEpoch(parsed, wrapped) === epoch) return Buffer.from(wrapped);
    const kek = kekOf(desk, service, epoch);
    try {
      return wrapDek({ kek, header, dek, epoch });
    } finally {
      wipe(kek);
    }
  } finally {
    wipe(dek);
  }
};
