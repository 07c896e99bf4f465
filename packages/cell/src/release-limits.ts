/** The limits of a grant as airlock-totp writes them (docs/spec/release.md), read back strictly. */
import { AirlockError, type ReleaseLimits } from '@airlock/protocol';

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;

/** A deadline that is no number would never be over: every member is checked before anything follows from one. */
const CHECKS: { readonly [Member in keyof Required<ReleaseLimits>]: (value: unknown) => boolean } = {
  lease: isText,
  service: isText,
  operator: isText,
  trial: (value) => typeof value === 'boolean',
  scopes: (value) => Array.isArray(value) && value.every(isText),
  constraints: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  deadlineWallMs: isTime,
  deadlineBootMs: isTime,
  unattended: (value) => value === undefined || (Array.isArray(value) && value.every(isText)),
  approved: (value) => isApproved(value),
};

const isApproved = (value: unknown): boolean => {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { request, operation, class: shown, digest } = value as Readonly<Record<string, unknown>>;
  return isText(request) && isText(operation) && isText(shown) && typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest);
};

const isReleaseLimits = (value: unknown): value is ReleaseLimits => {
  if (typeof value !== 'object' || value === null) return false;
  const members = value as Readonly<Record<string, unknown>>;
  return Object.entries(CHECKS).every(([name, check]) => check(members[name]));
};

const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
};

/** @throws AirlockError INTERNAL where airlock-totp broke its own format. */
export const parseReleaseLimits = (bytes: Buffer): ReleaseLimits => {
  const value = parseJson(bytes);
  if (!isReleaseLimits(value)) throw new AirlockError('INTERNAL', 'the limits of the release are malformed');
  return value;
};
