/** Where the sockets are. */
import { join } from 'node:path';

/** Variables as process.env has them. */
export type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_RUNTIME_DIR = '/run/airlock';

/** A variable that is set to nothing counts as not set. */
export const variable = (env: Env, name: string): string | undefined => (env[name] === '' ? undefined : env[name]);

/** Directory of the sockets: AIRLOCK_RUNTIME_DIR, else where an installation has it. */
export const runtimeDir = (env: Env): string => variable(env, 'AIRLOCK_RUNTIME_DIR') ?? DEFAULT_RUNTIME_DIR;

/** Directory of the agents' sockets. */
export const agentDir = (env: Env): string => join(runtimeDir(env), 'agent');
