/**
 * The arguments an operation will work with, for conditions to look at.
 *
 * CONDITION-1  what the caller left out and the manifest has a default for counts as that default: leaving out `folder` reads the
 *              same mailbox as naming it, so it is decided the same.
 */
import type { Json, JsonSchema, Params } from '@airlock/protocol';

const NONE: Params = {};
/** By schema, of which there are as many as operations. */
const known = new WeakMap<JsonSchema, Params>();

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readDefaults = ({ properties }: JsonSchema): Params => {
  if (!isObject(properties)) return NONE;
  const found = Object.entries(properties).flatMap(([name, one]): [string, Json][] =>
    isObject(one) && Object.hasOwn(one, 'default') ? [[name, one['default'] as Json]] : [],
  );
  return found.length === 0 ? NONE : Object.fromEntries(found);
};

/** Pure. @param schema of the operation's parameters, as its manifest has it */
export const withDefaults = (schema: JsonSchema, params: Params): Params => {
  const defaults = known.get(schema) ?? readDefaults(schema);
  known.set(schema, defaults);
  return defaults === NONE ? params : { ...defaults, ...params };
};
