/** The compiled configuration, or the reason why there is none to go by. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError, COMPILED_CONFIG_FILE, DEFAULT_CONFIG, parseCompiledConfig, type CompiledConfig } from '@airlock/protocol';
import { codeOf } from './files.js';

export interface LoadedConfig {
  readonly config: CompiledConfig;
  /** CONFIG_INVALID, or null. With it, `config` is the defaults and nothing may be served by it. */
  readonly problem: AirlockError | null;
}

const HINT = 'the operator can run: airlock-ctl doctor';

const problemOf = (thrown: unknown): AirlockError => {
  if (thrown instanceof AirlockError) return thrown;
  if (thrown instanceof SyntaxError)
    return new AirlockError('CONFIG_INVALID', `${COMPILED_CONFIG_FILE} is not JSON`, { hint: HINT });
  return new AirlockError('CONFIG_INVALID', `${COMPILED_CONFIG_FILE} cannot be read (${codeOf(thrown)})`, { hint: HINT });
};

/** Never throws: a daemon does not die of what it reads. */
export const loadConfig = (configDir: string): LoadedConfig => {
  try {
    const value: unknown = JSON.parse(readFileSync(join(configDir, COMPILED_CONFIG_FILE), 'utf8'));
    return { config: parseCompiledConfig(value), problem: null };
  } catch (thrown) {
    return { config: DEFAULT_CONFIG, problem: problemOf(thrown) };
  }
};
