/** Keeps what belongs to another directory of sockets, such as a development launcher's, apart from the installation's. */
import { dirname } from 'node:path';
import { sha256Hex } from '@airlock/protocol';
import { runtimeDir, type Env } from './runtime-dir.js';

/** Characters of a digest that keep two development directories apart. */
const DIGEST_CHARS = 12;

export const isAbsolute = (path: string | undefined): path is string => path?.startsWith('/') === true;

/** The directory; with a digest behind where the sockets are not those of an installation. What outlives a login must not be shared by two. */
export const apart = (base: string, env: Env): string => {
  const runtime = env['AIRLOCK_SOCKET'] === undefined ? runtimeDir(env) : dirname(env['AIRLOCK_SOCKET']);
  return runtime === runtimeDir({}) ? base : `${base}-${sha256Hex(runtime).slice(0, DIGEST_CHARS)}`;
};
