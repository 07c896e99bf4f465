/**
 * The program of a service that runs on this machine: its command and its environment, as they are sealed with the credential
 * (docs/spec/upstream.md). Secrets are no part of it.
 */
import { canonicalJson } from './canonical.js';
import { AirlockError } from './errors.js';

export interface Program {
  /** Absolute path of the program, then its arguments. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const MAX_CHARS = 4096;
const MAX_ARGS = 64;
const MAX_ENV = 32;
/** Names of environment variables (POSIX 8.1), lower-case ones too. */
export const ENV_NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_]{0,63}$';
const ENV_NAME = new RegExp(ENV_NAME_PATTERN);
/** Control characters would let one command look like another when it is shown. */
const CONTROL = /\p{Cc}/u;

const refuse = (problem: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `the program is not of its form: ${problem}`, {
    field: 'params.settings.program',
    expected,
    hint: `give ${expected}`,
  });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPlain = (value: unknown): value is string => typeof value === 'string' && !CONTROL.test(value) && value.isWellFormed();

const argvOf = (argv: unknown): readonly string[] => {
  if (!Array.isArray(argv) || argv.length < 1 || argv.length > MAX_ARGS || !argv.every(isPlain))
    throw refuse('argv', `a list of 1 to ${MAX_ARGS} texts without control characters`);
  const [file = ''] = argv;
  if (!file.startsWith('/') || file.split('/').some((part) => part === '..' || part === '.'))
    throw refuse('argv[0]', 'the absolute path of a program, without . and ..');
  return argv;
};

const envOf = (env: unknown): Readonly<Record<string, string>> => {
  if (!isRecord(env) || Object.keys(env).length > MAX_ENV) throw refuse('env', `an object of at most ${MAX_ENV} variables`);
  for (const [name, value] of Object.entries(env))
    if (!ENV_NAME.test(name) || !isPlain(value))
      throw refuse(`env.${name.slice(0, 40)}`, 'NAME=VALUE without control characters');
  return env as Readonly<Record<string, string>>;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('it is no JSON', 'JSON such as {"argv":["/usr/bin/server"],"env":{}}');
  }
};

/** @throws AirlockError PARAMS_INVALID naming the part that is wrong */
export const parseProgram = (text: string): Program => {
  if (text.length > MAX_CHARS) throw refuse(`${text.length} characters`, `at most ${MAX_CHARS} characters`);
  const value = parsed(text);
  if (!isRecord(value) || Object.keys(value).sort().join() !== 'argv,env') throw refuse('its members', 'argv and env');
  return { argv: argvOf(value['argv']), env: envOf(value['env']) };
};

/** The one text of a program. @throws AirlockError PARAMS_INVALID */
export const canonicalProgram = (text: string): string => canonicalJson({ ...parseProgram(text) });

const shown = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word));

/** As people read it: `A=b /usr/bin/server --stdio`. */
export const formatProgram = (text: string): string => {
  const { argv, env } = parseProgram(text);
  return [...Object.entries(env).map(([name, value]) => `${name}=${shown(value)}`), ...argv.map(shown)].join(' ');
};
