/** What an operator types for a service, turned into settings that fit the kind's schema. */
import { AirlockError, type ConnectorManifest, type Settings } from '@airlock/protocol';

interface Property {
  readonly type?: string;
  readonly default?: string | number | boolean;
  readonly enum?: readonly unknown[];
  readonly description?: string;
}

/** The properties of a kind's settings schema, by name. */
export const settingProperties = (manifest: ConnectorManifest): Readonly<Record<string, Property>> =>
  (manifest.settings['properties'] as Readonly<Record<string, Property>> | undefined) ?? {};

export const requiredSettings = (manifest: ConnectorManifest): readonly string[] =>
  (manifest.settings['required'] as readonly string[] | undefined) ?? [];

const bad = (key: string, found: string, expected: string, kind: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `--set ${key}: found ${found}, allowed: ${expected}`, {
    field: `--set ${key}`,
    found,
    expected,
    hint: `airlock-ctl service add ${kind} --set KEY=VALUE; the keys of each kind: airlock-ctl service kinds`,
  });

const typed = (key: string, text: string, property: Property, kind: string): string | number | boolean => {
  if (property.type === 'integer' || property.type === 'number') {
    if (/^-?\d+$/.test(text)) return Number(text);
    throw bad(key, text, 'a whole number', kind);
  }
  if (property.type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw bad(key, text, 'true or false', kind);
  }
  return text;
};

/** `key=value` texts → settings. @throws AirlockError PARAMS_INVALID */
export const parseSettings = (
  manifest: ConnectorManifest,
  texts: readonly string[],
): Record<string, string | number | boolean> => {
  const properties = settingProperties(manifest);
  const settings: Record<string, string | number | boolean> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const key = at < 0 ? text : text.slice(0, at);
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!property) throw bad(key, 'an unknown setting', Object.keys(properties).join(', ') || 'none', manifest.kind);
    if (at < 0) throw bad(key, 'no value', 'key=value', manifest.kind);
    settings[key] = typed(key, text.slice(at + 1), property, manifest.kind);
  }
  return settings;
};

/** Settings that are required, have no default and were not given. */
export const missingSettings = (manifest: ConnectorManifest, settings: Settings): string[] =>
  requiredSettings(manifest).filter(
    (key) => settings[key] === undefined && settingProperties(manifest)[key]?.default === undefined,
  );
