/** Secrets of a service that an answers file gives: by value or by file, checked like typed ones. */
import { AirlockError, type ConnectorManifest } from '@airlock/protocol';
import { cleanValue, requiredFields } from '../setup/fields.js';
import { readPrivate } from './private-file.js';
import type { SecretSource, ServiceAnswer } from './answers.js';

const FILE_SUFFIX = '_file';

/** One line: what an editor adds at the end of a file is no part of a secret. */
export const readSecret = (source: SecretSource, owners: readonly number[]): string =>
  'value' in source ? source.value : readPrivate(source.file, owners).replace(/\r?\n$/, '');

const refuse = (service: string, field: string, found: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `credential of ${service}: ${field}: found ${found}, allowed: ${expected}`, {
    field,
    found,
    expected,
    hint: 'correct the credential in the answers file; docs/spec/init.md has an example',
  });

/** `password_file` is the file of `password`, unless the kind has a field of this very name. */
const sourceOf = (known: readonly string[], key: string, text: string): readonly [string, SecretSource] => {
  const isFile = !known.includes(key) && key.endsWith(FILE_SUFFIX);
  return isFile ? [key.slice(0, -FILE_SUFFIX.length), { file: text }] : [key, { value: text }];
};

/**
 * Null where the file says nothing of the credential.
 * @throws AirlockError PARAMS_INVALID for a field the kind does not have, one that is missing, or a file others can read (INIT-2)
 */
export const answeredValues = (
  manifest: ConnectorManifest,
  { name, credential }: ServiceAnswer,
  owners: readonly number[],
): Readonly<Record<string, string>> | null => {
  if (credential === null) return null;
  const known = Object.keys(manifest.credential.fields);
  const values: Record<string, string> = {};
  for (const [key, text] of Object.entries(credential)) {
    const [field, source] = sourceOf(known, key, text);
    const rule = Object.hasOwn(manifest.credential.fields, field) ? manifest.credential.fields[field] : undefined;
    if (!rule)
      throw refuse(name, key, 'an unknown field', known.flatMap((one) => [one, `${one}${FILE_SUFFIX}`]).join(', ') || 'none');
    if (Object.hasOwn(values, field)) throw refuse(name, field, 'the field twice', 'once');
    values[field] = cleanValue(field, rule, readSecret(source, owners));
  }
  const missing = requiredFields(manifest).find((field) => !Object.hasOwn(values, field));
  if (missing !== undefined) throw refuse(name, missing, 'nothing', requiredFields(manifest).join(', '));
  return values;
};
