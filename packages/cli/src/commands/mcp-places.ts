/** Where the clients' files are on this machine, and how a client starts this very `airlock`. */
import { AirlockError, type Env } from '@airlock/client';
import type { Launch, Places } from '@airlock/mcp/clients';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

const set = (env: Env, name: string): string | undefined => (env[name] === '' ? undefined : env[name]);

export const placesOf = (env: Env): Places => {
  const home = set(env, 'HOME') ?? homedir();
  if (!isAbsolute(home)) {
    throw new AirlockError('CONFIG_INVALID', 'there is no home directory to look for clients in', {
      hint: 'set HOME, or name the file: --config FILE',
    });
  }
  const config = set(env, 'XDG_CONFIG_HOME');
  const configHome = config !== undefined && isAbsolute(config) ? config : join(home, '.config');
  return { home, configHome, platform: process.platform, env };
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Where PATH has this command; null where it has none. */
export const findCommand = (name: string, env: Env): string | null =>
  (env['PATH'] ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((directory) => join(directory, name))
    .find(isExecutable) ?? null;

const real = (path: string): string => (existsSync(path) ? realpathSync(path) : path);

/**
 * The command and its first words. The name on PATH outlives an update, so it goes before what it links to, as long as it
 * is this one: itself, or the starter that stands beside the bundle in an installation.
 */
const program = (script: string, env: Env): readonly [string, ...string[]] => {
  const self = real(resolve(script));
  const starter = join(dirname(self), 'airlock');
  const own = [self, ...(isExecutable(starter) ? [real(starter)] : [])];
  const onPath = findCommand('airlock', env);
  if (onPath !== null && own.includes(real(onPath))) return [onPath];
  if (isExecutable(starter)) return [starter];
  // A checkout: the tracked stub, which finds what is built.
  const stub = [join(dirname(self), '../../packages/cli/bin/airlock.js'), join(dirname(self), '../../bin/airlock.js')].find(
    isExecutable,
  );
  return stub === undefined ? [process.execPath, self] : [stub];
};

/** How to start `airlock mcp` for a client. Flags and variables that choose the role are written down, as a client passes on none. */
export const launchFor = (
  client: string,
  {
    role,
    socket,
    env,
    script,
  }: { readonly role: string | undefined; readonly socket: string | undefined; readonly env: Env; readonly script: string },
): Launch => {
  const [command, ...first] = program(script, env);
  const flags = [...(role === undefined ? [] : ['--role', role]), ...(socket === undefined ? [] : ['--socket', resolve(socket)])];
  const runtime = set(env, 'AIRLOCK_RUNTIME_DIR');
  return {
    command,
    args: [...first, 'mcp', ...flags],
    env: { AIRLOCK_AGENT: client, ...(runtime === undefined ? {} : { AIRLOCK_RUNTIME_DIR: resolve(runtime) }) },
  };
};

/** `--role` or AIRLOCK_ROLE, `--socket` or AIRLOCK_SOCKET. */
export const chosenBy = (env: Env, flags: { readonly role?: string | undefined; readonly socket?: string | undefined }) => ({
  role: flags.role ?? set(env, 'AIRLOCK_ROLE'),
  socket: flags.socket ?? set(env, 'AIRLOCK_SOCKET'),
  env,
});
