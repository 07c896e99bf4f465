/** Parameters against their schema: PARAMS_INVALID names the field, what was expected and what was found. */
import { AirlockError } from './errors.js';
import { validators, type SchemaError } from './generated/validators.js';
import { LIMITS } from './limits.js';

export type { SchemaError } from './generated/validators.js';

/** null where the parameters are as the schema wants them. */
export type Validator = (params: unknown) => AirlockError | null;

/** A run of digits as long as a one-time code: never echoed, whoever sent it (RFC 6238 codes have 6 to 8). */
const CODE_LIKE = /(?<!\d)\d{6,8}(?!\d)/g;

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

/** Short and safe to show: a scalar cut to 80 characters with codes masked, the type of anything else. */
const describeFound = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'string' && typeof value !== 'number') return typeOf(value);
  const quoted = typeof value === 'number' ? String(value) : JSON.stringify(value.slice(0, LIMITS.maxQuotedChars).toWellFormed());
  const cut = typeof value === 'string' && value.length > LIMITS.maxQuotedChars ? '…' : '';
  return `${typeof value} ${quoted.replace(CODE_LIKE, '••••••')}${cut}`;
};

/** `/a/0/b~1c` (RFC 6901) as `params.a.0.b/c`. */
const fieldOf = (instancePath: string): string =>
  `params${instancePath.replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')}`;

const listOf = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : String(value));

const allowedKeys = (error: SchemaError): string => {
  const properties = error.parentSchema?.['properties'];
  const keys = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  return keys.length === 0 ? 'no such field; none is allowed' : `no such field; allowed: ${keys.join(', ')}`;
};

/** What a keyword of the schema wants, in words (JSON Schema 2020-12 validation §6). */
const EXPECTATIONS: Readonly<Record<string, (limit: unknown) => string>> = {
  type: (limit) => listOf(limit).replaceAll(', ', ' or '),
  enum: (limit) => `one of ${listOf(limit)}`,
  const: (limit) => JSON.stringify(limit),
  minimum: (limit) => `at least ${String(limit)}`,
  maximum: (limit) => `at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `more than ${String(limit)}`,
  exclusiveMaximum: (limit) => `less than ${String(limit)}`,
  multipleOf: (limit) => `a multiple of ${String(limit)}`,
  minLength: (limit) => `at least ${String(limit)} characters`,
  maxLength: (limit) => `at most ${String(limit)} characters`,
  minItems: (limit) => `at least ${String(limit)} items`,
  maxItems: (limit) => `at most ${String(limit)} items`,
  minProperties: (limit) => `at least ${String(limit)} fields`,
  maxProperties: (limit) => `at most ${String(limit)} fields`,
  uniqueItems: () => 'no item twice',
  pattern: (limit) => `text that matches ${String(limit)}`,
  propertyNames: () => 'permitted field names',
};

interface Complaint {
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/** A key the caller made up is foreign text like any value. */
const foreignKey = (key: unknown): string =>
  String(key).slice(0, LIMITS.maxQuotedChars).toWellFormed().replace(CODE_LIKE, '••••••');

const complaintOf = (error: SchemaError): Complaint => {
  const field = fieldOf(error.instancePath);
  const { params } = error;
  if (error.keyword === 'required') {
    return { field: `${field}.${String(params['missingProperty'])}`, expected: 'a value', found: 'nothing' };
  }
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    const key = foreignKey(params['additionalProperty'] ?? params['unevaluatedProperty']);
    return { field: `${field}.${key}`, expected: allowedKeys(error), found: 'an unknown field' };
  }
  const expectation = EXPECTATIONS[error.keyword];
  return { field, expected: expectation?.(error.schema) ?? 'one of the permitted forms', found: describeFound(error.data) };
};

const hintOf = ({ field, expected }: Complaint): string =>
  expected.startsWith('no such field')
    ? `leave out ${field}`
    : `set ${field} to ${expected === 'a value' ? 'a value; it is required' : expected}`;

/** PARAMS_INVALID from the first thing ajv (`verbose`) found; for schemas that are compiled where they are used, too. */
export const schemaRefusal = (error: SchemaError | undefined): AirlockError => {
  if (error === undefined) return new AirlockError('PARAMS_INVALID', 'params are not as the method wants them');
  const complaint = complaintOf(error);
  const message = `${complaint.field}: expected ${complaint.expected}, found ${complaint.found}`;
  return new AirlockError('PARAMS_INVALID', message, { ...complaint, hint: hintOf(complaint) });
};

/**
 * The validator of a schema of SCHEMAS, looked up once.
 * @throws Error where no schema has this name: a defect, found at start.
 */
export const validatorOf = (name: string): Validator => {
  const compiled = validators[name];
  if (compiled === undefined) throw new Error(`no schema is called ${name}`);
  return (params) => (compiled(params) ? null : schemaRefusal(compiled.errors?.[0]));
};

/** @returns PARAMS_INVALID, or null. @throws Error where no schema has this name. */
export const validate = (name: string, value: unknown): AirlockError | null => validatorOf(name)(value);
