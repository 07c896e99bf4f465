/** Arguments of Airlock's own tools: every one known, of its type, or refused with what was expected. */
import { AirlockError } from '@airlock/protocol';

export type Arguments = Readonly<Record<string, unknown>>;

const wrong = (field: string, expected: string, found: unknown): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${field}: expected ${expected}, found ${found === undefined ? 'nothing' : typeof found}`, {
    field,
    expected,
    hint: `set ${field} to ${expected}`,
  });

/** @throws AirlockError PARAMS_INVALID for a field the tool does not have. */
export const onlyKnown = (args: Arguments, known: readonly string[]): void => {
  const unknown = Object.keys(args).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  const allowed = known.length === 0 ? 'no fields' : known.join(', ');
  throw new AirlockError('PARAMS_INVALID', 'the tool has no such field', {
    field: unknown.slice(0, 80),
    expected: allowed,
    hint: `the tool takes ${allowed}`,
  });
};

/** @throws AirlockError PARAMS_INVALID */
export const textOf = (args: Arguments, field: string): string => {
  const value = args[field];
  if (typeof value !== 'string' || value === '') throw wrong(field, 'text', value);
  return value;
};

/** @throws AirlockError PARAMS_INVALID where it is there and no text. */
export const optionalText = (args: Arguments, field: string): string | undefined =>
  args[field] === undefined ? undefined : textOf(args, field);

/** A whole number of the range. @throws AirlockError PARAMS_INVALID */
export const optionalInteger = (args: Arguments, field: string, min: number, max: number): number | undefined => {
  const value = args[field];
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw wrong(field, `a whole number from ${min} to ${max}`, value);
  }
  return value as number;
};

/** @throws AirlockError PARAMS_INVALID */
export const textsOf = (args: Arguments, field: string): readonly string[] => {
  const value = args[field];
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
  if (!isList) throw wrong(field, 'a list of texts', value);
  return value;
};
