/** Schemas of MCP tools, known by their form: Standard Schema, as zod 3.24 and later, valibot and arktype have it. */
import type { JsonSchema } from '@airlock/protocol';
import type { Refusal } from '../tool.js';

/** One thing that is wrong, as Standard Schema reports it. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The part of Standard Schema that is needed. */
export interface StandardSchema<A> {
  readonly '~standard': {
    readonly types?: { readonly input: unknown; readonly output: A } | undefined;
    readonly validate: (value: unknown) => unknown;
  };
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the schema itself checks when it parses; here only members and types count, and patterns of others may be slow. */
const LEFT_OUT = ['$schema', 'pattern', 'format', 'default', 'examples', 'propertyNames', 'contentEncoding', 'contentMediaType'];
/** Maps from names to schemas: a member called `pattern` is no keyword there. */
const MAPS = ['properties', '$defs', 'definitions', 'patternProperties'];
const MAX_DEPTH = 64;

const plain = (value: unknown, depth: number): unknown => {
  if (depth > MAX_DEPTH) throw new TypeError('the schema of the tool is nested too deeply');
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !LEFT_OUT.includes(key));
  return Object.fromEntries(
    kept.map(([key, member]) => {
      const isMap = MAPS.includes(key) && isObject(member);
      return [key, isMap ? plainMap(member, depth + 1) : plain(member, depth + 1)];
    }),
  );
};

const plainMap = (map: Members, depth: number): Members =>
  Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, plain(schema, depth + 1)]));

const noSchema = (what: string): TypeError =>
  new TypeError(`${what}: write z.object({…}) of zod 4.2 or later, or give policy.check: checkWith(schema)`);

/**
 * The JSON Schema that says which members there are, at every depth.
 * @throws TypeError for a bare shape (the SDK would drop what it does not name before anybody sees it), or what has no JSON Schema
 */
export const schemaOf = (schema: unknown): JsonSchema => {
  const standard: unknown = isObject(schema) ? schema['~standard'] : undefined;
  if (!isObject(standard)) throw noSchema('inputSchema is no schema');
  const { jsonSchema } = standard;
  if (!isObject(jsonSchema) || typeof jsonSchema['input'] !== 'function') throw noSchema('inputSchema has no JSON Schema');
  const written: unknown = (jsonSchema['input'] as (options: object) => unknown).call(jsonSchema, { target: 'draft-2020-12' });
  if (!isObject(written) || written['type'] !== 'object') throw noSchema('inputSchema is no object schema');
  return plain(written, 0) as JsonSchema;
};

const asItIs = (value: unknown): { readonly value: unknown } => ({ value });

/**
 * The same schema as the SDK lists it, but with everything let through: what it does not name would be dropped by it in
 * silence, and the guard checks for itself.
 * @throws TypeError
 */
export const passing = <A>(schema: StandardSchema<A>): StandardSchema<A> => {
  const standard: unknown = isObject(schema) ? schema['~standard'] : undefined;
  if (!isObject(standard)) throw noSchema('inputSchema is no schema');
  const { _zod: core } = schema as unknown as Members;
  const parse = { value: (value: unknown) => ({ success: true, data: value }) };
  const parseLater = { value: (value: unknown) => Promise.resolve({ success: true, data: value }) };
  const members: PropertyDescriptorMap = {
    '~standard': { value: { ...standard, validate: asItIs } },
    safeParse: parse,
    safeParseAsync: parseLater,
  };
  // zod 4 parses by `_zod.run`; the older SDK calls that.
  if (isObject(core))
    members['_zod'] = { value: Object.create(core, { run: { value: (payload: unknown) => payload } }) as unknown };
  return Object.create(schema, members) as StandardSchema<A>;
};

const nameOf = (part: PropertyKey | { readonly key: PropertyKey }): string => String(typeof part === 'object' ? part.key : part);

/** What the schema itself complains of, in words an agent can correct itself by. */
export const refuseIssues = (issues: readonly Issue[]): Refusal => {
  const [first] = issues;
  const field = ['params', ...(first?.path ?? []).map(nameOf)].join('.');
  const expected = (first?.message ?? 'arguments of its schema').slice(0, 200);
  return { message: `${field}: ${expected}`, field, expected, hint: `correct ${field}` };
};
