/**
 * Strict check of an operation's arguments: the only file of guard with a dependency (ajv).
 *
 * CELL-3  Arguments are checked against the operation's schema without coercion; what is not in the schema is refused.
 */
import { AirlockError, schemaRefusal, type Json, type JsonSchema, type SchemaError } from '@airlock/protocol';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { boundSchema, refuseSchema } from './schema-bounds.js';
import type { Checked } from './tool.js';

/** null where the arguments are as the schema wants them; else PARAMS_INVALID with field, expected, found and hint. */
export type CheckArguments = (params: unknown) => AirlockError | null;

/**
 * No `$data` (a caller must never choose the rule it is checked by), no coercion, no defaults written into what the
 * caller sent. An unknown keyword is refused: it may be a restriction that nobody would hold.
 */
const newCompiler = (): Ajv2020 =>
  new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    allowUnionTypes: true,
    allErrors: false,
    verbose: true,
    coerceTypes: false,
    useDefaults: false,
    removeAdditional: false,
    $data: false,
    validateFormats: false,
    meta: false,
    validateSchema: false,
    logger: false,
  });

const compile = (schema: JsonSchema): ReturnType<Ajv2020['compile']> => {
  try {
    return newCompiler().compile(schema);
  } catch (thrown) {
    throw refuseSchema(thrown instanceof Error ? thrown.message.slice(0, 200) : 'an unknown problem', 'JSON Schema 2020-12');
  }
};

/**
 * Compiles once; the check itself takes microseconds.
 * @throws AirlockError CONFIG_INVALID where the schema is not acceptable (GUARD-1 to GUARD-4).
 */
export const compileArguments = (schema: JsonSchema): CheckArguments => {
  const check = compile(boundSchema(schema));
  return (params) => (check(params) ? null : schemaRefusal(check.errors?.[0] as SchemaError | undefined));
};

/** What happens to a member the schema does not name. */
export type Ghosts = 'reject' | 'strip';

const isObject = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value without the member at `path`. */
const without = (value: Json, path: readonly string[]): Json => {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json, index) => (String(index) === first ? without(item, rest) : item));
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  const kept = rest.length === 0 ? entries.filter(([key]) => key !== first) : entries;
  return Object.fromEntries(kept.map(([key, member]) => [key, key === first ? without(member, rest) : member]));
};

/** Where the ghost stands; null where the error is another one. */
const ghostOf = (error: SchemaError | undefined): readonly string[] | null => {
  const { additionalProperty, unevaluatedProperty } = error?.params ?? {};
  const name = additionalProperty ?? unevaluatedProperty;
  if (error === undefined || typeof name !== 'string') return null;
  const path: readonly string[] = error.instancePath.split('/').slice(1);
  return [...path.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')), name];
};

/** A caller may send so many; more is no mistake. */
const MAX_GHOSTS = 32;

/**
 * A check for `secureTool`. Ghost arguments are refused, or with `strip` taken out and reported by their paths; nothing
 * is coerced either way (GUARD-17).
 * @throws AirlockError CONFIG_INVALID where the schema is not acceptable.
 */
export const checkWith = (schema: JsonSchema, ghosts: Ghosts = 'reject'): ((args: unknown) => Checked) => {
  const check = compile(boundSchema(schema));
  return (args) => {
    let left = args;
    const stripped: string[] = [];
    while (!check(left)) {
      const error = check.errors?.[0] as SchemaError | undefined;
      const ghost = ghosts === 'strip' && stripped.length < MAX_GHOSTS && isObject(left) ? ghostOf(error) : null;
      if (ghost === null) {
        const { message, data } = schemaRefusal(error);
        return { refusal: { ...data, message } };
      }
      stripped.push(ghost.join('.'));
      left = without(left as Json, ghost);
    }
    return { args: left as Readonly<Record<string, Json>>, stripped };
  };
};
