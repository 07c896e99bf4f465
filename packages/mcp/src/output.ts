/** Output schemas: what a tool answers where it worked, or the error where it did not; clients check answers by them. */
import type { Tool } from '@modelcontextprotocol/server';

type Schema = Readonly<Record<string, unknown>>;

const TEXT = { type: 'string' };

/** `structuredContent.error` of every refusal. */
export const ERROR_SCHEMA = {
  type: 'object',
  required: ['code', 'message', 'hint', 'retry'],
  properties: {
    code: TEXT,
    message: TEXT,
    hint: TEXT,
    retry: { enum: ['never', 'after', 'after-approval', 'with-change'] },
    retryAfterMs: { type: 'number' },
    request: TEXT,
    field: TEXT,
    expected: TEXT,
    found: TEXT,
    audit: { type: 'integer' },
    next: { type: 'object', required: ['tool', 'arguments'], properties: { tool: TEXT, arguments: { type: 'object' } } },
  },
};

/** Either the named members or `error`: refusals are held to the schema as well. */
export const outputSchema = (properties: Schema, required: readonly string[]): NonNullable<Tool['outputSchema']> => ({
  type: 'object',
  properties: { ...properties, error: ERROR_SCHEMA },
  anyOf: [{ required: [...required] }, { required: ['error'] }],
});

export const text = TEXT;
export const texts = { type: 'array', items: TEXT };
export const nextStep = ERROR_SCHEMA.properties.next;

/** Schemas nested deeper say nothing here: they are a service's own. */
const MAX_DEPTH = 16;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumeric = (type: unknown): boolean => type === 'number' || type === 'integer';

/** A masked number is a text. */
const looseType = (type: unknown): unknown => {
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  if (!types.some(isNumeric)) return type;
  return [...new Set([...types.map((one) => (one === 'integer' ? 'number' : one)), 'string'])];
};

const looseList = (value: unknown, depth: number): unknown[] =>
  Array.isArray(value) ? value.map((one) => loosen(one, depth)) : [];

const looseMembers = (value: unknown, depth: number): Schema =>
  isSchema(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, loosen(one, depth)])) : {};

/** One keyword as it can still be held after masking and cutting; null where it cannot. */
const looseKeyword = (key: string, value: unknown, depth: number): readonly [string, unknown] | null => {
  if (key === 'type') return [key, looseType(value)];
  if (key === 'properties') return [key, looseMembers(value, depth)];
  if (key === 'items') return [key, loosen(value, depth)];
  if (key === 'additionalProperties') return isSchema(value) ? [key, loosen(value, depth)] : null;
  if (key === 'anyOf' || key === 'oneOf') return ['anyOf', looseList(value, depth)];
  if (key === 'allOf') return [key, looseList(value, depth)];
  return key === 'required' || key === 'title' || key === 'description' ? [key, value] : null;
};

/**
 * The schema of a result as it holds for what is left of it after masking, withholding and cutting: types, members and
 * what is required stay; values, patterns, lengths and closed objects do not. A schema that refers to parts of itself
 * says nothing: it stands inside of another here.
 */
export const loosen = (schema: unknown, depth = 0): Schema => {
  if (!isSchema(schema) || depth > MAX_DEPTH || '$ref' in schema || '$dynamicRef' in schema) return {};
  const kept = Object.entries(schema).flatMap(([key, value]) => {
    const keyword = looseKeyword(key, value, depth + 1);
    return keyword === null ? [] : [keyword];
  });
  return Object.fromEntries(kept);
};

/** One schema for the results of several services. */
export const anyOfResults = (results: readonly Schema[]): Schema => {
  const texts = [...new Set(results.map((result) => JSON.stringify(loosen(result))))];
  const schemas = texts.map((one) => JSON.parse(one) as Schema);
  return schemas.length === 1 ? (schemas[0] ?? {}) : { anyOf: schemas };
};
