/** The policy files of a configuration directory, checked one by one; presets are found by their id beside the programs. */
import { AirlockError, asAirlockError, type CompiledConfig, type CompiledPolicies, type Json } from '@airlock/protocol';
import { parsePolicyText, parseRuleSet, type Policy } from '@airlock/policy';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const POLICY_DIR = 'policies';
const MAX_FILES = 256;

/** Where the presets of this installation are: beside the program, as built and as installed. */
export const presetDir = (): string => join(dirname(process.argv[1] ?? ''), 'policies');

const jsonFiles = (dir: string): string[] => {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(dir, name));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new AirlockError('CONFIG_INVALID', `${dir}: cannot be read`, { hint: `make ${dir} readable for root` });
  }
};

/** @throws AirlockError CONFIG_INVALID naming file, line, key and what is allowed */
export const readPolicyFile = (path: string): Policy => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new AirlockError('CONFIG_INVALID', `${path}: cannot be read`, { hint: `is there a readable file ${path}?` });
  }
  return parsePolicyText(text, path);
};

/** Of a folder. @throws AirlockError CONFIG_INVALID */
export const readPolicyDir = (dir: string): Policy[] => {
  const files = jsonFiles(dir);
  if (files.length > MAX_FILES)
    throw new AirlockError('CONFIG_INVALID', `${dir}: found ${files.length} files, allowed: at most ${MAX_FILES}`);
  return files.map(readPolicyFile);
};

/** Own files, and every preset that is attached and has no file of its own id. */
const collect = (configDir: string, presetsIn: string, wanted: ReadonlySet<string>): Policy[] => {
  const own = readPolicyDir(join(configDir, POLICY_DIR));
  const ids = new Set(own.map(({ id }) => id));
  const presets = readPolicyDir(presetsIn).filter(({ id }) => wanted.has(id) && !ids.has(id));
  return [...own, ...presets];
};

const checkRoles = ({ roles }: CompiledConfig, attachments: CompiledPolicies['attachments'], file: string): void => {
  const known = ['*', 'operator', ...Object.keys(roles)];
  const stray = Object.keys(attachments).find((role) => !known.includes(role));
  if (stray === undefined) return;
  throw new AirlockError('CONFIG_INVALID', `${file}: policies.${stray}: found no role ${stray}, allowed: ${known.join(', ')}`, {
    field: `policies.${stray}`,
    hint: `correct ${file}, then run: airlock-ctl policy reload`,
  });
};

/**
 * What the files attach, whether or not its roles are set up here.
 * @throws AirlockError CONFIG_INVALID for a broken file, or an id that no policy has
 */
export const readRules = (
  { permissions, rules }: CompiledConfig,
  configDir: string,
  presetsIn = presetDir(),
): CompiledPolicies => {
  const { attachments } = rules;
  const policies = collect(configDir, presetsIn, new Set(Object.values(attachments).flat()));
  const asText = policies as unknown as readonly Readonly<Record<string, Json>>[];
  parseRuleSet({ permissions, policies: asText, attachments });
  return { policies: asText, attachments };
};

/** RULES-1: a broken file leaves its complaint in place of the policies, and the daemons go on with what was in force. */
export const withPolicies = (config: CompiledConfig, configDir: string, file: string, presetsIn: string): CompiledConfig => {
  try {
    checkRoles(config, config.rules.attachments, file);
    return { ...config, rules: readRules(config, configDir, presetsIn) };
  } catch (thrown) {
    return { ...config, rules: { policies: [], attachments: {}, problem: asAirlockError(thrown).message } };
  }
};
