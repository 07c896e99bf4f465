/**
 * Answers of the bridge about keys that are wrapped again, after another phone was enrolled (docs/spec/approval.md).
 *
 * ENROL-8  the secret of a phone that was replaced is kept until every wrapped key was wrapped again and is durable.
 * ENROL-9  it is forgotten only after each stored record was looked at here: newest of its service, wrapped under this epoch.
 */
import { AirlockError, decodeBase64url, encodeBase64url } from '@airlock/protocol';
import { parseHeader, wipe, wrappingEpoch } from '@airlock/vault';
import type { Desk } from '../operators/desk.js';
import { deskOf, type House } from '../operators/house.js';
import { retireSealed, versionsOf } from '../register/versions.js';
import { rewrapKey, unwrapKey } from '../release/keys.js';
import { epochOf } from '../state/secrets.js';

/** Header and wrapped key of a record, base64url. */
export interface WrappedKey {
  readonly header: string;
  readonly wrapped: string;
}

const bytesOf = ({ header, wrapped }: WrappedKey): { readonly header: Buffer; readonly wrapped: Buffer } => {
  const bytes = { header: decodeBase64url(header), wrapped: decodeBase64url(wrapped) };
  if (bytes.header === null || bytes.wrapped === null)
    throw new AirlockError('PARAMS_INVALID', 'a record is no base64url', { field: 'params.header' });
  return { header: bytes.header, wrapped: bytes.wrapped };
};

/** @throws AirlockError VAULT_UNREADABLE for a record that would not be released either. */
export const rewrapRecord = (
  house: House,
  { operator, ...record }: WrappedKey & { readonly operator: string },
): { readonly wrapped: string } => {
  const desk = deskOf(house, operator);
  const { header, wrapped } = bytesOf(record);
  const { service, version } = parseHeader(header);
  const again = rewrapKey(desk, service, header, wrapped);
  if (!again.equals(wrapped))
    house.journal.note('key_rewrapped', desk.fields({ service, version, epoch: epochOf(desk.requireEnrolled()) }));
  return { wrapped: encodeBase64url(again) };
};

const notYet = (service: string, problem: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `the record of ${service} ${problem}, so the old phone's secret is kept`, {
    field: 'params.records',
    expected: 'the newest record of each service, wrapped under the present epoch',
  });

/** ENROL-9. @returns the service. @throws AirlockError PARAMS_INVALID, VAULT_UNREADABLE */
const requireRewrapped = (desk: Desk, record: WrappedKey, epoch: number): string => {
  const { header, wrapped } = bytesOf(record);
  const parsed = parseHeader(header);
  const { service, version } = parsed;
  if (version !== versionsOf(desk.state, service).newest) throw notYet(service, 'is not the newest that was stored');
  if (wrappingEpoch(parsed, wrapped) !== epoch) throw notYet(service, 'is wrapped for an earlier phone');
  wipe(unwrapKey(desk, service, header, wrapped).dek);
  return service;
};

export interface RewrappedParams {
  readonly operator: string;
  readonly records: readonly WrappedKey[];
}

/** What the gateway holds durably, all of it. @returns how many secrets of earlier phones were forgotten */
export const recordsRewrapped = (house: House, { operator, records }: RewrappedParams): { readonly forgotten: number } => {
  const desk = deskOf(house, operator);
  const secrets = desk.requireEnrolled();
  const epoch = epochOf(secrets);
  const services = records.map((record) => requireRewrapped(desk, record, epoch));
  if (new Set(services).size !== services.length) throw notYet(services.join(', '), 'is named twice');
  const old = secrets.totp.slice(0, -1);
  if (old.length === 0) return { forgotten: 0 };
  house.journal.record('phone_forgotten', desk.fields({ from: secrets.firstEpoch, below: epoch, records: records.length }));
  desk.commit(retireSealed(desk.state));
  desk.keep({ ...secrets, firstEpoch: epoch, totp: secrets.totp.slice(-1) });
  wipe(...old);
  return { forgotten: old.length };
};
