/** Reading the secret fields of a service: unseen from the terminal, or lines of stdin. Never from arguments. */
import { AirlockError, type ConnectorManifest, type CredentialField } from '@airlock/protocol';
import type { Context } from '../context.js';
import { note } from '../output.js';

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

/** The names asked for, or all of the kind. @throws AirlockError PARAMS_INVALID for a name the kind does not have */
export const fieldNames = (manifest: ConnectorManifest, wanted: readonly string[]): string[] => {
  const known = Object.keys(manifest.credential.fields);
  for (const name of wanted) {
    if (!known.includes(name))
      throw bad(name, known.join(', ') || 'none', 'an unknown field', 'airlock-ctl credentials list shows what is there');
  }
  return wanted.length > 0 ? [...wanted] : known;
};

/** One value for each name: asked for on a terminal, else one line of stdin each. */
export const readFields = async (
  context: Context,
  manifest: ConnectorManifest,
  names: readonly string[],
): Promise<Record<string, string>> => {
  const values: Record<string, string> = {};
  for (const name of names) {
    const field = manifest.credential.fields[name] ?? { title: name };
    if (context.terminal.isTerminal && field.hint !== undefined) note(context, field.hint);
    const text = await context.terminal.secret(`${field.title}: `);
    if (text === null)
      throw bad(name, 'one line on stdin for each field', 'the end of input', `fields, one a line: ${names.join(', ')}`);
    values[name] = cleanValue(name, field, text);
  }
  return values;
};
