/** Settings of a service against the flat JSON Schema of its manifest: text, numbers and booleans, nothing nested. */
import type { JsonSchema, Settings } from './connector.js';
import { AirlockError } from './errors.js';

type Value = Settings[string];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isValue = (value: unknown): value is Value => ['string', 'number', 'boolean'].includes(typeof value);
const asNumber = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);

const refuse = (name: string, expected: string, found: string, hint: string): AirlockError => {
  const field = `params.settings.${name}`;
  return new AirlockError('PARAMS_INVALID', `${field}: expected ${expected}, found ${found}`, { field, expected, found, hint });
};

/** Names and schemas of the settings a manifest knows. */
const propertiesOf = (schema: JsonSchema): Readonly<Record<string, JsonSchema>> => {
  const properties = schema['properties'];
  return isRecord(properties) ? (properties as Readonly<Record<string, JsonSchema>>) : {};
};

const isOfType = (value: Value, type: unknown): boolean => {
  if (type === 'integer') return Number.isSafeInteger(value);
  return type === undefined || typeof value === type;
};

/** What is wrong with a text or a number, in words; null where nothing is. */
const boundsProblem = (value: Value, schema: JsonSchema): string | null => {
  if (typeof value === 'boolean') return null;
  const [least, most] = typeof value === 'string' ? ['minLength', 'maxLength'] : ['minimum', 'maximum'];
  const size = typeof value === 'string' ? Array.from(value).length : value;
  const unit = typeof value === 'string' ? ' characters' : '';
  const [low, high] = [asNumber(schema[least], -Infinity), asNumber(schema[most], Infinity)];
  if (size < low) return `at least ${low}${unit}`;
  return size > high ? `at most ${high}${unit}` : null;
};

const problemOf = (value: Value, schema: JsonSchema): string | null => {
  const { type, enum: choices, pattern } = schema;
  if (!isOfType(value, type)) return String(type);
  if (Array.isArray(choices) && !choices.includes(value)) return `one of ${choices.map(String).join(', ')}`;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(String(value))) return `text that matches ${pattern}`;
  return boundsProblem(value, schema);
};

const fillOne = (name: string, given: unknown, schema: JsonSchema, isRequired: boolean): Value | undefined => {
  const value = given ?? schema['default'];
  if (value === undefined && !isRequired) return undefined;
  if (value === undefined) throw refuse(name, 'a value', 'nothing', `give it with --set ${name}=VALUE`);
  if (!isValue(value)) throw refuse(name, 'text, a number or a boolean', 'something else', `give it with --set ${name}=VALUE`);
  const problem = problemOf(value, schema);
  if (problem !== null) throw refuse(name, problem, JSON.stringify(value).slice(0, 80), `set ${name} to ${problem}`);
  return value;
};

/**
 * The settings as the manifest's schema wants them, defaults filled in, in the order of the schema.
 * @throws AirlockError PARAMS_INVALID for a setting that is missing, unknown or outside of its schema.
 */
export const fillSettings = (schema: JsonSchema, settings: Settings): Settings => {
  const properties = propertiesOf(schema);
  const allowed = Object.keys(properties);
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(properties, name));
  if (unknown !== undefined)
    throw refuse(unknown.slice(0, 80), `no such setting; allowed: ${allowed.join(', ')}`, 'an unknown setting', 'leave it out');
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const filled: Record<string, Value> = {};
  for (const [name, property] of Object.entries(properties)) {
    const value = fillOne(name, Object.hasOwn(settings, name) ? settings[name] : undefined, property, required.includes(name));
    if (value !== undefined) filled[name] = value;
  }
  return filled;
};
