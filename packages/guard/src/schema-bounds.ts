/**
 * A schema from outside, bounded before it is compiled and closed so that it says all that may be sent.
 *
 * GUARD-1  size, depth and patterns are bounded before the compiler sees the schema.
 * GUARD-3  a reference stays inside the schema.
 * GUARD-4  an object that names members takes no others, unless the schema says `additionalProperties` itself.
 */
import { AirlockError, type JsonSchema } from '@airlock/protocol';
import { SCHEMA_LIMITS } from './limits.js';
import { isExponential } from './pattern.js';

/** Keywords whose value is one schema (JSON Schema 2020-12 core §10). */
const ONE = ['additionalProperties', 'unevaluatedProperties', 'items', 'contains', 'propertyNames', 'unevaluatedItems'];
/** Keywords whose schemas describe the same value as the schema they stand in. */
const SAME_ONE = ['not', 'if', 'then', 'else'];
const SAME_LIST = ['allOf', 'anyOf', 'oneOf'];
const MAPS = ['properties', 'patternProperties'];
const SAME_MAPS = ['$defs', 'definitions', 'dependentSchemas'];
/** What reaches beyond one schema; and `$async`, whose validator answers with a promise, which is always true. */
const FORBIDDEN = ['$async', '$id', 'id', '$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveRef', '$recursiveAnchor'];

export const refuseSchema = (found: string, expected: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `the schema of the parameters is not acceptable: ${found}`, {
    found,
    expected,
    hint: 'correct the connector that brings this schema',
  });

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const schemasOf = (value: unknown): JsonSchema[] => (Array.isArray(value) ? value.filter(isSchema) : []);

const checkPattern = (pattern: unknown): void => {
  if (typeof pattern !== 'string') return;
  const { maxPatternChars } = SCHEMA_LIMITS;
  if (pattern.length > maxPatternChars) throw refuseSchema('a long pattern', `at most ${maxPatternChars} characters`);
  if (isExponential(pattern))
    throw refuseSchema('a pattern that can take for ever', 'no repetition or alternatives in a repeated group');
};

const checkKeywords = (schema: JsonSchema): void => {
  for (const keyword of FORBIDDEN) {
    if (schema[keyword] !== undefined) throw refuseSchema(keyword, 'a schema that stands alone');
  }
  const ref = schema['$ref'];
  if (ref !== undefined && (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)))
    throw refuseSchema('a $ref to elsewhere', '$ref: "#/…"');
  checkPattern(schema['pattern']);
  if (isSchema(schema['patternProperties'])) Object.keys(schema['patternProperties']).forEach(checkPattern);
};

/** The schema a local reference names (RFC 6901); undefined where none is there. */
const resolve = (root: JsonSchema, ref: string): JsonSchema | undefined => {
  let at: unknown = root;
  for (const part of ref.split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isSchema(at) || Array.isArray(at) ? (at as JsonSchema)[key] : undefined;
  }
  return isSchema(at) ? at : undefined;
};

/** True where the schema, or one it is composed of, names members. */
const namesMembers = (schema: JsonSchema, root: JsonSchema, seen: ReadonlySet<JsonSchema> = new Set()): boolean => {
  if (seen.has(schema)) return false;
  if (isSchema(schema['properties']) || isSchema(schema['patternProperties'])) return true;
  const ref = schema['$ref'];
  const target = typeof ref === 'string' ? resolve(root, ref) : undefined;
  const parts = [...SAME_LIST.flatMap((key) => schemasOf(schema[key])), ...SAME_ONE.map((key) => schema[key]).filter(isSchema)];
  const visited = new Set(seen).add(schema);
  return (target === undefined ? parts : [...parts, target]).some((part) => namesMembers(part, root, visited));
};

const isComposed = (schema: JsonSchema): boolean =>
  [...SAME_LIST, ...SAME_ONE, '$ref', 'dependentSchemas'].some((keyword) => schema[keyword] !== undefined);

/** What to add so that members nobody named are refused (JSON Schema 2020-12 core §11). */
const closing = (schema: JsonSchema): JsonSchema =>
  'additionalProperties' in schema || 'unevaluatedProperties' in schema
    ? {}
    : { [isComposed(schema) ? 'unevaluatedProperties' : 'additionalProperties']: false };

interface Walk {
  readonly root: JsonSchema;
  readonly depth: number;
  /** The schema describes part of a value that the schema around it closes. */
  readonly isPart: boolean;
}

const closeMap = (value: unknown, walk: Walk): unknown =>
  isSchema(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closeAny(member, walk)])) : value;

const closeAny = (value: unknown, walk: Walk): unknown => (isSchema(value) ? closeOne(value, walk) : value);

const closeMember = (keyword: string, value: unknown, walk: Walk): unknown => {
  const whole = { ...walk, depth: walk.depth + 1, isPart: false };
  const part = { ...whole, isPart: true };
  if (ONE.includes(keyword)) return closeAny(value, whole);
  if (SAME_ONE.includes(keyword)) return closeAny(value, part);
  if (SAME_LIST.includes(keyword) && Array.isArray(value)) return value.map((member) => closeAny(member, part));
  if (keyword === 'prefixItems' && Array.isArray(value)) return value.map((member) => closeAny(member, whole));
  if (MAPS.includes(keyword)) return closeMap(value, whole);
  return SAME_MAPS.includes(keyword) ? closeMap(value, part) : value;
};

const closeOne = (schema: JsonSchema, walk: Walk): JsonSchema => {
  if (walk.depth > SCHEMA_LIMITS.maxSchemaDepth)
    throw refuseSchema('deep nesting', `at most ${SCHEMA_LIMITS.maxSchemaDepth} levels`);
  checkKeywords(schema);
  const members = Object.entries(schema).map(([keyword, value]) => [keyword, closeMember(keyword, value, walk)]);
  const isClosed = !walk.isPart && (walk.depth === 0 || namesMembers(schema, walk.root));
  return { ...(Object.fromEntries(members) as JsonSchema), ...(isClosed ? closing(schema) : {}) };
};

const isDeep = (value: unknown, levelsLeft: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levelsLeft === 0 || Object.values(value).some((member) => isDeep(member, levelsLeft - 1)));

/** Levels of the JSON text: a schema level takes two (`properties`, then the name). */
const MAX_JSON_LEVELS = 2 * SCHEMA_LIMITS.maxSchemaDepth + 2;

/** The root's own name and dialect mean nothing here; every other name is refused. */
const rootOf = (schema: JsonSchema): JsonSchema =>
  Object.fromEntries(
    Object.entries({ type: 'object', ...schema }).filter(([keyword]) => keyword !== '$schema' && keyword !== '$id'),
  );

/**
 * The schema, checked and closed; the original is not changed. At the root an object without members takes none.
 * @throws AirlockError CONFIG_INVALID naming what is not acceptable.
 */
export const boundSchema = (schema: JsonSchema): JsonSchema => {
  if (isDeep(schema, MAX_JSON_LEVELS)) throw refuseSchema('deep nesting', `at most ${SCHEMA_LIMITS.maxSchemaDepth} levels`);
  const { maxSchemaChars } = SCHEMA_LIMITS;
  if (JSON.stringify(schema).length > maxSchemaChars)
    throw refuseSchema('a large schema', `at most ${maxSchemaChars} characters`);
  return closeOne(rootOf(schema), { root: schema, depth: 0, isPart: false });
};
