/** Names that go into key derivation and headers: patterns without `/`, so two names never read as another pair. */
import { NAME_PATTERN, SERVICE_PATTERN } from '@airlock/protocol';

const owner = new RegExp(NAME_PATTERN);
const service = new RegExp(SERVICE_PATTERN);
const id = /^[A-Za-z0-9_-]{1,64}$/;
const digest = /^[0-9a-f]{64}$/;

const test = (pattern: RegExp, value: unknown): value is string => typeof value === 'string' && pattern.test(value);
const isCount = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && !Object.is(value, -0) && (value as number) >= least;

export const isOwner = (value: unknown): value is string => test(owner, value);
export const isServiceName = (value: unknown): value is string => test(service, value);
export const isVaultId = (value: unknown): value is string => test(id, value);
export const isRecordId = (value: unknown): value is string => test(id, value);
export const isDigest = (value: unknown): value is string => test(digest, value);
export const isEpoch = (value: unknown): value is number => isCount(value, 0);
export const isVersion = (value: unknown): value is number => isCount(value, 1);
