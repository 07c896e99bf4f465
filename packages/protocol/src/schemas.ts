/**
 * Every JSON Schema the wire is checked with, by the name `validate` takes.
 * compile-validators.mjs turns them into code at build time; nothing compiles a schema at run time.
 */

/** A method that takes no parameters. */
const NO_PARAMS = { type: 'object', additionalProperties: false, properties: {} } as const;

export const SCHEMAS: Readonly<Record<string, object>> = {
  'no-params': NO_PARAMS,
};
