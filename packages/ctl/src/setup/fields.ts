/** Reading the secret fields of a service: unseen from the terminal, or lines of stdin. Never from arguments. */
import { AirlockError, type ConnectorManifest, type CredentialField } from '@airlock/protocol';
import type { Context } from '../context.js';
import { note } from '../output.js';
import { untilFits } from './questions.js';

const bad = (name: string, expected: string, found: string, hint: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `credential field ${name}: found ${found}, allowed: ${expected}`, {
    field: name,
    expected,
    found,
    hint,
  });

/** Strips and checks one value; the value itself is never part of a message. */
export const cleanValue = (name: string, field: CredentialField, text: string): string => {
  const value = field.strip === 'spaces' ? text.replaceAll(/\s/g, '') : text;
  if (value === '') throw bad(name, 'a value', 'nothing', field.hint ?? `give ${field.title}`);
  if (field.pattern !== undefined && !new RegExp(field.pattern, 'u').test(value)) {
    throw bad(
      name,
      `${field.title} as the service gives it`,
      `${value.length} characters of another form`,
      field.hint ?? 'check what you pasted',
    );
  }
  return value;
};

/** Fields without which a record of this kind is not sealed. */
export const requiredFields = ({ credential }: ConnectorManifest): string[] =>
  Object.entries(credential.fields)
    .filter(([, { optional }]) => optional !== true)
    .map(([name]) => name);

/** A name the operator chose, where the kind lets them. @throws AirlockError PARAMS_INVALID */
export const checkNamed = ({ credential }: ConnectorManifest, name: string): string => {
  const { named } = credential;
  if (named !== undefined && new RegExp(named.pattern, 'u').test(name)) return name;
  const given = name.includes('=') ? 'a name with a value' : name;
  throw bad(
    given,
    named === undefined ? 'the fields of its kind' : `${named.title}, as ${named.pattern}`,
    given,
    named?.hint ?? 'leave it out',
  );
};

/** The names asked for, or all of the kind. @throws AirlockError PARAMS_INVALID for a name the kind does not have */
export const fieldNames = (manifest: ConnectorManifest, wanted: readonly string[]): string[] => {
  const known = Object.keys(manifest.credential.fields);
  if (manifest.credential.named !== undefined) return wanted.map((name) => checkNamed(manifest, name));
  for (const name of wanted) {
    if (!known.includes(name))
      throw bad(name, known.join(', ') || 'none', 'an unknown field', 'the fields of each kind: airlock-ctl service kinds');
  }
  return wanted.length > 0 ? [...wanted] : known;
};

const tellField = (context: Context, { hint, url }: CredentialField): void => {
  if (!context.terminal.isTerminal) return;
  if (hint !== undefined) note(context, hint);
  if (url !== undefined && hint?.includes(url) !== true) note(context, `It is made at: ${url}`);
};

/** One value, or null for an optional one that was left empty. */
const readField = async (
  context: Context,
  names: readonly string[],
  name: string,
  field: CredentialField,
): Promise<string | null> => {
  const prompt = field.optional === true ? `${field.title} (empty: none): ` : `${field.title}: `;
  const text = await context.terminal.secret(prompt);
  if (text === null)
    throw bad(name, 'one line on stdin for each field', 'the end of input', `fields, one a line: ${names.join(', ')}`);
  return field.optional === true && text.trim() === '' ? null : cleanValue(name, field, text);
};

/** One value for each name: asked for on a terminal, else one line of stdin each. An optional one may be an empty line. */
export const readFields = async (
  context: Context,
  manifest: ConnectorManifest,
  names: readonly string[],
): Promise<Record<string, string>> => {
  const values: Record<string, string> = {};
  for (const name of names) {
    const field = manifest.credential.fields[name] ?? { title: name };
    tellField(context, field);
    const value = await untilFits(context, () => readField(context, names, name, field));
    if (value !== null) values[name] = value;
  }
  return values;
};
