/** Finds a kind's manifest and module in the connector directories (docs/design/runtime.md). */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { AirlockError, validate, type Connector, type ConnectorManifest } from '@airlock/protocol';
import { CELL_LIMITS } from './limits.js';

export interface InstalledConnector {
  readonly manifest: ConnectorManifest;
  /** Absolute; the module stands beside the manifest. */
  readonly directory: string;
}

const isAbsent = (thrown: unknown): boolean => {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
};

const invalid = (file: string, problem: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${file}: ${problem}`, { hint: 'install the connector again, or correct this file' });

/** null where the directory has no such kind: the next one is asked. */
const readManifest = (file: string): string | null => {
  try {
    if (statSync(file).size > CELL_LIMITS.maxManifestBytes) throw invalid(file, 'the manifest is too large');
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof AirlockError) throw thrown;
    if (isAbsent(thrown)) return null;
    throw invalid(file, 'the manifest cannot be read');
  }
};

const parseManifest = (file: string, text: string, kind: string): ConnectorManifest => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(file, 'the manifest is not JSON');
  }
  const problem = validate('connectorManifest', value);
  if (problem !== null) throw invalid(file, problem.message);
  const manifest = value as ConnectorManifest;
  if (manifest.kind !== kind) throw invalid(file, `the manifest is of kind ${manifest.kind}`);
  return manifest;
};

/**
 * The first directory that has the kind decides. `kind` was checked against KIND_PATTERN, so it is no path.
 * @throws AirlockError CONFIG_INVALID
 */
export const findConnector = (directories: readonly string[], kind: string): InstalledConnector => {
  for (const directory of directories) {
    const file = join(resolve(directory), `${kind}.json`);
    const text = readManifest(file);
    if (text !== null) return { manifest: parseManifest(file, text, kind), directory: resolve(directory) };
  }
  throw new AirlockError('CONFIG_INVALID', `no connector of kind ${kind} is installed`, {
    expected: `${kind}.json in one of ${directories.join(', ')}`,
    hint: `install the connector that brings ${kind}.json`,
  });
};

const isConnector = (value: unknown): value is Connector => {
  const { open, test } = (value ?? {}) as Partial<Connector>;
  return typeof open === 'function' && typeof test === 'function';
};

/** Runs the module. @throws AirlockError CONFIG_INVALID where it cannot be loaded or is no connector. */
export const loadConnector = ({ manifest, directory }: InstalledConnector): Connector => {
  const file = join(directory, `${manifest.module}.cjs`);
  let loaded: { readonly connector?: unknown };
  try {
    loaded = createRequire(file)(file) as { readonly connector?: unknown };
  } catch {
    throw invalid(file, 'the module cannot be loaded');
  }
  if (!isConnector(loaded.connector)) throw invalid(file, 'the module exports no connector');
  return loaded.connector;
};
