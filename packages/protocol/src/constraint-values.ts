/** Values of constraints as a connector gets them. What has another form than it should is refused: fail closed. */
import type { Json } from './canonical.js';
import { AirlockError } from './errors.js';

type Members = Readonly<Record<string, Json>>;

const malformed = (key: string, expected: string): AirlockError =>
  new AirlockError('CONSTRAINT', 'a constraint of the lease cannot be read, so nothing is allowed', {
    field: `params.constraints.${key}`,
    expected,
  });

/** The texts of a list, or null where there is no such constraint. @throws AirlockError CONSTRAINT */
export const constraintList = (constraints: Members, key: string): ReadonlySet<string> | null => {
  const value = constraints[key];
  if (value === undefined) return null;
  if (!Array.isArray(value)) throw malformed(key, 'a list of texts');
  const texts = (value as readonly Json[]).filter((item) => typeof item === 'string');
  if (texts.length !== value.length) throw malformed(key, 'a list of texts');
  return new Set(texts);
};

/** Midnight UTC of a day in milliseconds, or null where there is no such constraint. @throws AirlockError CONSTRAINT */
export const constraintDayMs = (constraints: Members, key: string): number | null => {
  const value = constraints[key];
  if (value === undefined) return null;
  const ms = typeof value === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) ? Date.parse(`${value}T00:00:00.000Z`) : NaN;
  if (!Number.isFinite(ms)) throw malformed(key, 'a day YYYY-MM-DD');
  return ms;
};

/** A number from 1, or Infinity where there is no such constraint. @throws AirlockError CONSTRAINT */
export const constraintCount = (constraints: Members, key: string): number => {
  const value = constraints[key];
  if (value === undefined) return Infinity;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw malformed(key, 'a whole number from 1');
  return value;
};
