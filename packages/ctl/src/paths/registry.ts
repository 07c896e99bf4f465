/** Paths of this machine that cells may read: /etc/airlock/paths.json, written by root, read by everybody. */
import { AirlockError } from '@airlock/protocol';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../config/compile.js';

export const PATHS_FILE = 'paths.json';

/** Where cells see what is allowed; out of reach of everybody but root and cells. */
export const PATHS_ROOT = '/srv/airlock/paths';

export interface AllowedPath {
  /** As its owner knows it. */
  readonly path: string;
  /** The Linux user it belongs to. */
  readonly owner: string;
  readonly kind: 'maildir' | 'ics';
  /** `[a-z0-9_]`, unique: names units and the place below PATHS_ROOT. */
  readonly name: string;
}

const isAllowed = (value: unknown): value is AllowedPath => {
  const { path, owner, kind, name } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof owner === 'string' &&
    (kind === 'maildir' || kind === 'ics') &&
    typeof name === 'string' &&
    /^[a-z0-9_]{1,48}$/.test(name)
  );
};

/** @throws AirlockError CONFIG_INVALID where the file is not what `path allow` writes */
export const readPaths = (configDir: string): readonly AllowedPath[] => {
  const file = join(configDir, PATHS_FILE);
  if (!existsSync(file)) return [];
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    if (Array.isArray(value) && value.every(isAllowed)) return value;
  } catch {
    // Said below in the same words.
  }
  throw new AirlockError('CONFIG_INVALID', `${file}: is not what airlock-ctl path allow writes`, {
    hint: `look at it; to begin anew: sudo rm ${file}, then sudo airlock-ctl path allow PATH`,
  });
};

export const writePaths = (configDir: string, paths: readonly AllowedPath[]): void =>
  replaceFile(join(configDir, PATHS_FILE), `${JSON.stringify(paths, null, 1)}\n`, 0o644);

/** Where cells find it. */
export const placeOf = ({ name, kind }: Pick<AllowedPath, 'name' | 'kind'>): string =>
  kind === 'ics' ? `${PATHS_ROOT}/${name}/calendar.ics` : `${PATHS_ROOT}/${name}`;

/** A free name made from owner and last part of the path. */
export const newName = (taken: readonly AllowedPath[], owner: string, path: string): string => {
  const base = `${owner}_${path.split('/').at(-1) ?? ''}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 40);
  const isTaken = (name: string): boolean => taken.some((one) => one.name === name);
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}_${n}`;
    if (!isTaken(name)) return name;
  }
};
