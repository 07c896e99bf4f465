/** What every command gets: where things are, how to print, and the sockets of this operator. */
import { connectSocket, type Connection, type NotificationTable } from '@airlock/ipc';
import { AirlockError, systemTimers } from '@airlock/protocol';
import { whileWaiting, type ProgressDisplay } from '@airlock/protocol/command';
import { accessSync, constants, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Terminal } from './terminal/terminal.js';
import { unlessUnopened } from './unopened.js';

export interface Context {
  readonly json: boolean;
  readonly color: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly runtimeDir: string;
  readonly configDir: string;
  readonly terminal: Terminal;
}

/** Where an installation has its sockets and its configuration. */
export const DEFAULTS = { run: '/run/airlock', config: '/etc/airlock' };

const truthy = (text: string | undefined): boolean => text !== undefined && text !== '' && text !== '0' && text !== 'false';

/** @param json the flag; AIRLOCK_JSON does the same */
export const makeContext = (env: NodeJS.ProcessEnv, terminal: Terminal, json: boolean): Context => ({
  json: json || truthy(env['AIRLOCK_JSON']),
  color: terminal.isTerminal && !truthy(env['NO_COLOR']),
  env,
  runtimeDir: env['AIRLOCK_RUNTIME_DIR'] ?? DEFAULTS.run,
  configDir: env['AIRLOCK_CONFIG_DIR'] ?? DEFAULTS.config,
  terminal,
});

export const canConnect = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const loginName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
};

const operatorsHere = (runtimeDir: string): string[] => {
  try {
    return readdirSync(join(runtimeDir, 'approve'))
      .filter((file) => file.endsWith('.sock'))
      .map((file) => file.slice(0, -'.sock'.length))
      .sort();
  } catch {
    return [];
  }
};

/**
 * Which operator this is: AIRLOCK_OPERATOR, else the login name, else the only one there is.
 * @throws AirlockError UNAVAILABLE where none or several are left
 */
export const findOperator = ({ env, runtimeDir }: Context): string => {
  const named = env['AIRLOCK_OPERATOR'];
  if (named !== undefined && named !== '') return named;
  const all = operatorsHere(runtimeDir);
  const login = [loginName(), env['SUDO_USER'] ?? ''].find((name) => all.includes(name));
  if (login !== undefined) return login;
  const open = all.filter((name) => canConnect(join(runtimeDir, 'approve', `${name}.sock`)));
  const [only] = open.length === 1 ? open : all;
  if (only !== undefined && (open.length === 1 || all.length === 1)) return only;
  if (all.length === 0) {
    throw new AirlockError('UNAVAILABLE', `there is no operator socket below ${runtimeDir}/approve`, {
      hint: 'is Airlock installed and running? systemctl status airlock-totp; to install: sudo ./install.sh',
    });
  }
  throw new AirlockError('UNAVAILABLE', `several operators are set up: ${all.join(', ')}`, {
    hint: 'choose one: AIRLOCK_OPERATOR=NAME airlock-ctl …',
  });
};

export type Link = Connection;

/** The key exchange carries a record's key, header and wrapped key; all are small. */
const MAX_KEY_FRAME_BYTES = 8192;

/** What a session of `run` is told unasked. It asks by itself, and a notification nobody expects would end the connection. */
const SESSION_NOTIFICATIONS: NotificationTable<undefined> = Object.fromEntries(
  ['access.decided', 'lease.expiring', 'lease.ended', 'services.changed'].map((method) => [
    method,
    { params: () => null, handle: () => undefined },
  ]),
);

/** Runs `use` on a connection and closes it after. A connection that ends meanwhile ends `use` with its reason. */
export const withSocket = async <T>(path: string, use: (link: Link) => Promise<T>, maxBinaryBytes = 0): Promise<T> => {
  let lose: (reason: AirlockError) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined);
  const link = await connectSocket(path, {
    limits: { maxBinaryBytes },
    notifications: SESSION_NOTIFICATIONS,
    onClose: (_link, reason) => lose(reason),
  });
  try {
    return await Promise.race([use(link), lost]);
  } finally {
    link.close();
  }
};

export const approvePath = (context: Context): string => join(context.runtimeDir, 'approve', `${findOperator(context)}.sock`);
export const operatorPath = (context: Context): string => join(context.runtimeDir, 'operator', `${findOperator(context)}.sock`);
export const rootPath = (context: Context): string => join(context.runtimeDir, 'root.sock');

/** Where a connection says what it waits for. */
const displays = new WeakMap<Link, ProgressDisplay>();

const displayed =
  <T>({ terminal, json }: Context, use: (link: Link) => Promise<T>): ((link: Link) => Promise<T>) =>
  (link) => {
    const { isTerminal } = terminal;
    displays.set(link, { err: (text) => terminal.err(text), isTerminal, isSilent: json, timers: systemTimers });
    return use(link);
  };

/** On a machine of install.sh: a daemon that cannot start is told after a moment, not after a minute. */
const ofTotp = <T>({ runtimeDir }: Context, asking: Promise<T>): Promise<T> =>
  runtimeDir === DEFAULTS.run ? unlessUnopened(asking, systemTimers) : asking;

/** airlock-totp, as this operator. */
export const withTotp = <T>(context: Context, use: (link: Link) => Promise<T>): Promise<T> =>
  ofTotp(context, withSocket(approvePath(context), displayed(context, use), MAX_KEY_FRAME_BYTES));
/** airlock-gateway, as this operator. */
export const withGateway = <T>(context: Context, use: (link: Link) => Promise<T>): Promise<T> =>
  withSocket(operatorPath(context), displayed(context, use));

/** airlock-totp, as root. @throws AirlockError UNAVAILABLE with `sudo` in the hint where root is needed */
export const withRoot = async <T>(
  context: Context,
  use: (link: Link) => Promise<T>,
  maxBinaryBytes = MAX_KEY_FRAME_BYTES,
): Promise<T> => {
  const path = rootPath(context);
  if (!canConnect(path) && process.getuid?.() !== 0) {
    throw new AirlockError('UNAVAILABLE', `this needs root (${path})`, {
      hint: `sudo airlock-ctl ${process.argv.slice(2).join(' ')}`,
    });
  }
  return ofTotp(context, withSocket(path, use, maxBinaryBytes));
};

/** Methods during which a person sits before a silent terminal, and what is waited for. Those that wait for a code say so themselves. */
const SLOW: Readonly<Record<string, string>> = {
  'credentials.put': 'a cell to log in at the service',
  'service.add': 'a cell to log in at the service',
  'service.test': 'a cell to log in at the service',
  call: 'the service to answer',
};

/** One call, its result as the method table types it. */
export const ask = async <T>(link: Link, method: string, params: object = {}, timeoutMs?: number): Promise<T> => {
  const answer = link.call(method, params, timeoutMs === undefined ? {} : { timeoutMs }) as Promise<T>;
  const display = displays.get(link);
  const what = SLOW[method];
  return display === undefined || what === undefined ? answer : whileWaiting(display, what, answer);
};
