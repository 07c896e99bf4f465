/**
 * Strict check of an operation's arguments: the only file of guard with a dependency (ajv).
 *
 * CELL-3  Arguments are checked against the operation's schema without coercion; what is not in the schema is refused.
 */
import { AirlockError, schemaRefusal, type JsonSchema, type SchemaError } from '@airlock/protocol';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { boundSchema, refuseSchema } from './schema-bounds.js';

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
