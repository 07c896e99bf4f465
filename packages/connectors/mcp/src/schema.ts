/**
 * A tool's inputSchema as the strict compiler of guard takes it: JSON Schema 2020-12, older forms rewritten. Pure.
 *
 * A keyword that no draft knows is an annotation (JSON Schema core §4.3.1) and left out; the server sees the arguments as they are and
 * holds what it wants of them itself.
 */
import type { Json } from '@airlock/protocol';
import { isMembers, type Members } from './contract.js';

const KEYWORDS = new Set(
  `$id $schema $ref $comment $defs $anchor $dynamicRef $dynamicAnchor definitions title description default examples deprecated readOnly writeOnly
  type enum const format multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems
  maxContains minContains maxProperties minProperties required dependentRequired allOf anyOf oneOf not if then else dependentSchemas prefixItems
  items contains properties patternProperties additionalProperties propertyNames unevaluatedItems unevaluatedProperties`.split(
    /\s+/,
  ),
);
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const ONES = new Set([
  ...['not', 'if', 'then', 'else', 'items', 'contains', 'additionalProperties', 'propertyNames'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
]);

const without = (schema: Members, ...keywords: readonly string[]): Members =>
  Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)));

/** Draft 7: a list of schemas in `items`. */
const withTuple = (schema: Members): Members => {
  const { items, additionalItems } = schema;
  const rest = without(schema, 'additionalItems');
  if (!Array.isArray(items)) return rest;
  return { ...without(rest, 'items'), prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) };
};

/** Draft 7: `dependencies`, of both kinds. */
const withDependents = (schema: Members): Members => {
  const { dependencies } = schema;
  if (!isMembers(dependencies)) return without(schema, 'dependencies');
  const of = (isList: boolean): Members =>
    Object.fromEntries(Object.entries(dependencies).filter(([, value]) => Array.isArray(value) === isList));
  return { ...without(schema, 'dependencies'), dependentRequired: of(true), dependentSchemas: of(false) };
};

/** Draft 4: a boolean beside the bound. */
const withBound = (schema: Members, flag: string, bound: string): Members => {
  const { [flag]: isExclusive, [bound]: value } = schema;
  if (typeof isExclusive !== 'boolean') return schema;
  if (!isExclusive || value === undefined) return without(schema, flag);
  return { ...without(schema, bound), [flag]: value };
};

/** OpenAPI's `nullable`, and `required` as draft 3 had it. */
const withTypes = (schema: Members): Members => {
  const { nullable, required, type } = schema;
  const rest = required !== undefined && !Array.isArray(required) ? without(schema, 'required') : schema;
  return nullable === true && typeof type === 'string' ? { ...rest, type: [type, 'null'] } : rest;
};

/** Older drafts as 2020-12 says it. */
const modern = (schema: Members): Members => {
  const bounded = withBound(withBound(schema, 'exclusiveMinimum', 'minimum'), 'exclusiveMaximum', 'maximum');
  return withTypes(withDependents(withTuple(bounded)));
};

const eachMember = (value: Json): Json =>
  isMembers(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, normalised(member)])) : value;

const member = (keyword: string, value: Json): Json => {
  if (MAPS.has(keyword)) return eachMember(value);
  if (LISTS.has(keyword) && Array.isArray(value)) return value.map((one: Json) => normalised(one));
  return ONES.has(keyword) ? normalised(value) : value;
};

/** The depth was bounded before. */
const normalised = (schema: Json): Json =>
  isMembers(schema)
    ? Object.fromEntries(
        Object.entries(modern(schema))
          .filter(([keyword]) => KEYWORDS.has(keyword))
          .map(([keyword, value]) => [keyword, member(keyword, value)]),
      )
    : schema;

const SAYS_MEMBERS = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
];

/** `$schema` and `$id` of the root say nothing here. A root that names no members at all takes any, as it says. */
export const paramsOf = (inputSchema: Members): Members => {
  const rest = without(normalised(inputSchema) as Members, '$schema', '$id');
  const isOpen = !SAYS_MEMBERS.some((keyword) => Object.hasOwn(rest, keyword));
  return { type: 'object', ...rest, ...(isOpen ? { additionalProperties: true } : {}) };
};
