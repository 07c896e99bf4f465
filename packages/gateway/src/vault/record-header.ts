/**
 * The public header of a sealed record, read as far as the gateway has to: whose it is, of which service, which version,
 * for which destination (docs/spec/vault.md). Everything else is ciphertext to it.
 */
import { isUtf8 } from 'node:buffer';
import { AirlockError, canonicalJson, decodeBase64url, type Json, type SealedRecordText } from '@airlock/protocol';

export interface HeaderFacts {
  readonly owner: string;
  readonly service: string;
  readonly version: number;
  /** `destinationDigest` of where the credential may go. */
  readonly destination: string;
}

/** Far above any header; the vault package has the same bound. */
const MAX_HEADER_BYTES = 1024;

const malformed = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'the record is no sealed record', {
    field: 'params.record.header',
    expected: 'a header as airlock-ctl seals it',
    hint: 'seal it anew: airlock-ctl credentials add SERVICE',
  });

const parse = (record: SealedRecordText): { readonly [key: string]: Json } => {
  const bytes = decodeBase64url(record.header);
  if (bytes === null || bytes.length > MAX_HEADER_BYTES || !isUtf8(bytes)) throw malformed();
  const text = bytes.toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || canonicalJson(value) !== text) throw malformed();
  } catch {
    throw malformed();
  }
  return value as { readonly [key: string]: Json };
};

/** @throws AirlockError PARAMS_INVALID for what is no canonical header. */
export const readHeader = (record: SealedRecordText): HeaderFacts => {
  const { owner, service, version, destination } = parse(record);
  if (typeof owner !== 'string' || typeof service !== 'string' || typeof destination !== 'string') throw malformed();
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) throw malformed();
  return { owner, service, version, destination };
};

/** @throws AirlockError VAULT_UNREADABLE naming what differs: the record of another service, operator or destination. */
export const expectHeader = (facts: HeaderFacts, expected: Omit<HeaderFacts, 'version'>, newerThan: number): void => {
  for (const key of ['owner', 'service', 'destination'] as const) {
    if (facts[key] !== expected[key]) {
      throw new AirlockError('VAULT_UNREADABLE', `the record was sealed for another ${key}`, { field: 'params.record.header' });
    }
  }
  if (facts.version <= newerThan) {
    throw new AirlockError('VAULT_UNREADABLE', 'the record is not newer than the one that is stored', {
      field: 'params.record.header',
      expected: `a version above ${newerThan}`,
      found: String(facts.version),
    });
  }
};
