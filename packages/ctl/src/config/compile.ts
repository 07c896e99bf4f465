/** airlock.yaml (for people) and roles.json (for `role add`) → compiled/config.json, which is all that the daemons read. */
import {
  AirlockError,
  COMPILED_CONFIG_FILE,
  DEFAULT_CONFIG,
  isName,
  OPERATOR_ROLE,
  type CompiledConfig,
} from '@airlock/protocol';
import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { presetDir, withPolicies } from './policies.js';
import { isPolicyList, KEYS, merge, POLICIES_SECTION } from './schema.js';

export const YAML_FILE = 'airlock.yaml';
export const ROLES_FILE = 'roles.json';

/** Who may be asked for what: written by install.sh and `airlock-ctl role add`. */
export interface RolesFile {
  readonly operators: readonly string[];
  readonly roles: Readonly<Record<string, { readonly operator: string }>>;
  readonly isolation: CompiledConfig['isolation'];
}

const shown = (value: unknown): string => (JSON.stringify(value) as string | undefined)?.slice(0, 80) ?? typeof value;

const invalid = (file: string, where: string, found: string, allowed: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${file}: ${where}: found ${found}, allowed: ${allowed}`, {
    hint: `correct ${file}, then run: airlock-ctl doctor`,
    field: where,
    found,
    expected: allowed,
  });

const checkAttachments = (file: string, members: unknown): void => {
  if (typeof members !== 'object' || members === null || Array.isArray(members))
    throw invalid(file, POLICIES_SECTION, shown(members), 'names of roles, or "*", each with a list of policies');
  for (const [role, ids] of Object.entries(members))
    if (!isPolicyList(ids))
      throw invalid(file, `${POLICIES_SECTION}.${role}`, shown(ids), 'a list of ids of policies, e.g. [read-only]');
};

const checkSection = (file: string, section: string, members: unknown): void => {
  if (section === POLICIES_SECTION) return checkAttachments(file, members);
  const keys = Object.hasOwn(KEYS, section) ? KEYS[section] : undefined;
  if (!keys) throw invalid(file, section, 'an unknown section', [...Object.keys(KEYS), POLICIES_SECTION].join(', '));
  if (typeof members !== 'object' || members === null || Array.isArray(members)) {
    throw invalid(file, section, shown(members), `keys ${Object.keys(keys).join(', ')}`);
  }
  for (const [key, value] of Object.entries(members)) {
    // A key may be called `constructor`.
    const rule = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!rule) throw invalid(file, `${section}.${key}`, 'an unknown key', Object.keys(keys).join(', '));
    if (!rule.accepts(value)) throw invalid(file, `${section}.${key}`, shown(value), rule.allowed);
  }
};

const checkRelations = (file: string, config: CompiledConfig): CompiledConfig => {
  const { defaultTtlS, maxTtlS } = config.leases;
  if (defaultTtlS > maxTtlS) {
    throw invalid(file, 'leases.default_ttl_minutes', String(defaultTtlS / 60), `at most max_ttl_minutes (${maxTtlS / 60})`);
  }
  return config;
};

/** Aliases that do not resolve, or that multiply, come to light here only. */
const plainValue = (file: string, document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch {
    throw invalid(file, 'the file', 'an alias that does not resolve, or too many of them', 'values without aliases');
  }
};

/**
 * @param file name used in messages
 * @throws AirlockError CONFIG_INVALID with file, key, what was found and what is allowed; YAML errors carry line and column
 */
export const parseYamlConfig = (yaml: string, file: string, base: CompiledConfig = DEFAULT_CONFIG): CompiledConfig => {
  const lines = new LineCounter();
  const document = parseDocument(yaml, {
    ...{ lineCounter: lines, uniqueKeys: true, prettyErrors: false },
    // What is wrong is said here, once; the parser's own words on odd keys would go to the terminal.
    logLevel: 'error',
  });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw invalid(file, `line ${line}, column ${col}`, problem.message, 'YAML of sections and keys');
  }
  const value = plainValue(file, document);
  if (value === null || value === undefined) return checkRelations(file, base);
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalid(file, 'the file', shown(value), `sections ${Object.keys(KEYS).join(', ')}`);
  for (const [section, members] of Object.entries(value)) checkSection(file, section, members);
  return checkRelations(file, merge(base, value as Record<string, Record<string, unknown>>));
};

const badName = (found: unknown): boolean => typeof found !== 'string' || !isName(found);

/** @throws AirlockError CONFIG_INVALID */
export const parseRolesFile = (json: string, file: string): RolesFile => {
  let value: Partial<RolesFile> | null;
  try {
    value = JSON.parse(json) as Partial<RolesFile> | null;
  } catch {
    throw invalid(file, 'the file', 'something that is not JSON', 'what airlock-ctl role add writes');
  }
  const { operators, roles, isolation } = value ?? {};
  if (!Array.isArray(operators) || operators.length === 0 || operators.some(badName)) {
    throw invalid(file, 'operators', shown(operators), 'a list of names of a-z, 0-9 and -, at most 18 characters');
  }
  if (typeof roles !== 'object' || (roles as object | null) === null)
    throw invalid(file, 'roles', shown(roles), 'an object of role names');
  for (const [role, owner] of Object.entries(roles as Readonly<Record<string, { readonly operator: string } | null>>)) {
    const operator = owner?.operator ?? '';
    if (badName(role) || role === OPERATOR_ROLE) throw invalid(file, 'roles', role, `a name other than ${OPERATOR_ROLE}`);
    if (!operators.includes(operator)) throw invalid(file, `roles.${role}.operator`, operator, operators.join(', '));
  }
  if (isolation !== 'users' && isolation !== 'same-user' && isolation !== 'none') {
    throw invalid(file, 'isolation', shown(isolation), 'users, same-user or none');
  }
  return { operators, roles, isolation };
};

const readOptional = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AirlockError('CONFIG_INVALID', `${path}: cannot be read`, { hint: `make ${path} readable for root` });
  }
};

/** Both files of a configuration directory, checked, without a look at the policies: attached are those that they name. */
export const readWithoutPolicies = (configDir: string): CompiledConfig => {
  const rolesPath = join(configDir, ROLES_FILE);
  const roles = readOptional(rolesPath);
  const base = roles === null ? DEFAULT_CONFIG : { ...DEFAULT_CONFIG, ...parseRolesFile(roles, rolesPath) };
  const yamlPath = join(configDir, YAML_FILE);
  return parseYamlConfig(readOptional(yamlPath) ?? '', yamlPath, base);
};

/** All of a configuration directory, checked. */
export const readConfig = (configDir: string, presetsIn = presetDir()): CompiledConfig =>
  withPolicies(readWithoutPolicies(configDir), configDir, join(configDir, YAML_FILE), presetsIn);

/** Of a file or a directory, what was written is durable on return. */
export const syncPath = (path: string): void => {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

const writeSynced = (path: string, content: string, mode: number): void => {
  const fd = openSync(path, 'wx', mode);
  try {
    // Under a unit's UMask=0077 the daemons could not read what was made for them.
    fchmodSync(fd, mode);
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** Writes a file whole or not at all; durable on return, so that a power cut leaves the old one or the new one and nothing in between. */
export const replaceFile = (path: string, content: string, mode: number): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${process.pid}.new`;
  // Left by a process of this number that was killed, or lost its power, before its last step.
  rmSync(temporary, { force: true });
  try {
    writeSynced(temporary, content, mode);
    renameSync(temporary, path);
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw thrown;
  }
  syncPath(dirname(path));
};

/** What the daemons read from now on. */
export const writeCompiled = (configDir: string, config: CompiledConfig): void =>
  replaceFile(join(configDir, COMPILED_CONFIG_FILE), `${JSON.stringify(config, null, 1)}\n`, 0o644);

/**
 * Compiles a configuration directory. A bad file compiles too, to a configuration that makes the daemons start sealed and say why.
 * @returns the error that was compiled in, or null
 */
export const compileConfig = (configDir: string, presetsIn = presetDir()): AirlockError | null => {
  try {
    writeCompiled(configDir, readConfig(configDir, presetsIn));
    return null;
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
    writeCompiled(configDir, { ...DEFAULT_CONFIG, invalid: { message: error.message, hint: error.data.hint } });
    return error;
  }
};
