/**
 * The kinds of services there are: KIND.json in the connector directories, root's and read-only. Read anew when asked for,
 * so a new kind needs no restart; a bad manifest is reported and stops no other.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError, KIND_PATTERN, validate, type ConnectorManifest, type OperationManifest } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

/** A manifest that was refused, for the operator. */
export interface ManifestProblem {
  readonly file: string;
  readonly problem: string;
}

/** A manifest with its operations by name. */
export interface Kind {
  readonly manifest: ConnectorManifest;
  readonly operations: ReadonlyMap<string, OperationManifest>;
}

const SUFFIX = '.json';
const kindPattern = new RegExp(KIND_PATTERN);

const namesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith(SUFFIX))
      .sort();
  } catch {
    // A directory that is not there holds no kinds.
    return [];
  }
};

const readManifest = (path: string, kind: string): ConnectorManifest => {
  if (statSync(path).size > GATEWAY_LIMITS.maxStateFileBytes) throw new AirlockError('CONFIG_INVALID', 'larger than 1 MiB');
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const problem = validate('connectorManifest', value);
  if (problem !== null) throw new AirlockError('CONFIG_INVALID', problem.message.replace(/^params/, 'the manifest'));
  const manifest = value as ConnectorManifest;
  if (manifest.kind !== kind) throw new AirlockError('CONFIG_INVALID', `it is of kind ${manifest.kind}, its name says ${kind}`);
  return manifest;
};

const describe = (thrown: unknown): string => {
  if (thrown instanceof AirlockError) return thrown.message;
  if (thrown instanceof SyntaxError) return 'not JSON';
  return String((thrown as NodeJS.ErrnoException).code);
};

export class Catalogue {
  readonly #dirs: readonly string[];
  #kinds = new Map<string, Kind>();
  problems: readonly ManifestProblem[] = [];

  /** @param dirs in order of precedence: a kind that stands twice is taken from the first. */
  constructor(dirs: readonly string[]) {
    this.#dirs = dirs;
    this.read();
  }

  /** All kinds, as they are on disk now. */
  read(): ConnectorManifest[] {
    const kinds = new Map<string, Kind>();
    const problems: ManifestProblem[] = [];
    for (const dir of this.#dirs) for (const name of namesIn(dir)) this.#readOne(dir, name, kinds, problems);
    this.#kinds = kinds;
    this.problems = problems;
    return [...kinds.values()].map(({ manifest }) => manifest);
  }

  /** @returns the kind, looked for on disk once more where it is not known. */
  find(kind: string): Kind | null {
    const known = this.#kinds.get(kind);
    if (known !== undefined || !kindPattern.test(kind)) return known ?? null;
    this.read();
    return this.#kinds.get(kind) ?? null;
  }

  /** Without a look at the disk. */
  known(kind: string): Kind | null {
    return this.#kinds.get(kind) ?? null;
  }

  #readOne(dir: string, name: string, kinds: Map<string, Kind>, problems: ManifestProblem[]): void {
    const path = join(dir, name);
    const kind = name.slice(0, -SUFFIX.length);
    if (kinds.has(kind)) return;
    if (kinds.size >= GATEWAY_LIMITS.maxManifests) return void problems.push({ file: path, problem: 'too many manifests' });
    try {
      const manifest = readManifest(path, kind);
      kinds.set(kind, { manifest, operations: new Map(manifest.operations.map((one) => [one.name, one])) });
    } catch (thrown) {
      problems.push({ file: path, problem: describe(thrown) });
    }
  }
}
