/** What the environment says (docs/design/runtime.md): directories, boot id, configuration, sockets. */
import { readFileSync } from 'node:fs';
import { takeActivatedSockets, type Listening } from '@airlock/ipc';
import {
  AirlockError,
  asAirlockError,
  COMPILED_CONFIG_FILE,
  DEFAULT_CONFIG,
  parseCompiledConfig,
  type CompiledConfig,
} from '@airlock/protocol';
import type { TotpOptions } from './run.js';

type Environment = Readonly<Record<string, string | undefined>>;

const stateDirOf = (env: Environment): string =>
  env['STATE_DIRECTORY'] ?? `${env['AIRLOCK_STATE_DIR'] ?? '/var/lib/airlock'}/totp`;

/** docs/design/runtime.md "Boot id"; an empty one is none, as for airlock-gateway. */
const bootIdOf = (env: Environment): string => {
  const given = env['AIRLOCK_BOOT_ID'];
  return given !== undefined && given !== ''
    ? given
    : readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', '');
};

const notReadable = (path: string, why: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${path}: ${why}`, { hint: 'as root: airlock-ctl config compile' });

/** @throws AirlockError CONFIG_INVALID */
const readConfig = (path: string): CompiledConfig => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    throw notReadable(path, `cannot be read (${String((thrown as NodeJS.ErrnoException).code)})`);
  }
  try {
    return parseCompiledConfig(JSON.parse(text));
  } catch (thrown) {
    throw thrown instanceof AirlockError ? thrown : notReadable(path, 'is no JSON');
  }
};

/** The sockets say which operators there are, where the configuration cannot. */
const operatorsOf = (sockets: ReadonlyMap<string, Listening>): string[] =>
  [...sockets.keys()].filter((name) => name.startsWith('approve/')).map((name) => name.slice('approve/'.length));

/** Never throws for a bad configuration: the daemon then starts sealed. @throws Error where sockets do not add up */
export const optionsFromEnvironment = (env: NodeJS.ProcessEnv): TotpOptions => {
  const sockets = new Map([...takeActivatedSockets(env)].map(([name, fd]): [string, Listening] => [name, { fd }]));
  const shared = { sockets, stateDir: stateDirOf(env), credentialsDir: env['CREDENTIALS_DIRECTORY'], bootId: bootIdOf(env) };
  try {
    return { ...shared, config: readConfig(`${env['AIRLOCK_CONFIG_DIR'] ?? '/etc/airlock'}/${COMPILED_CONFIG_FILE}`) };
  } catch (thrown) {
    const config = { ...DEFAULT_CONFIG, operators: operatorsOf(sockets) };
    return { ...shared, config, configProblem: asAirlockError(thrown) };
  }
};
