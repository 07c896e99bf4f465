/** Which agent socket is ours (docs/design/runtime.md): named, by role, remembered, else the only one we may connect to. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { connectError } from '@airlock/ipc';
import { AirlockError, isName } from '@airlock/protocol';
import { roleMemory } from './remembered-role.js';
import { agentDir, variable, type Env } from './runtime-dir.js';

export { runtimeDir, type Env } from './runtime-dir.js';

export interface AgentSocket {
  readonly path: string;
  /** From the file name; names the lease file. What the role may do is the gateway's answer, never this. */
  readonly role: string;
}

export interface SocketChoice {
  readonly socket?: string | undefined;
  readonly role?: string | undefined;
  readonly env?: Env;
}

const DEFAULT_ROLE = 'default';
const SUFFIX = '.sock';
const NOT_RUNNING = 'is airlock-gateway installed and running? the operator can run: airlock-ctl doctor';

const roleOf = (path: string, fallback: string | undefined): string => {
  const name = basename(path, SUFFIX);
  if (isName(name)) return name;
  return fallback !== undefined && isName(fallback) ? fallback : DEFAULT_ROLE;
};

/** Roles that have a socket, sorted; empty where the directory cannot be read. */
const listRoles = (directory: string): string[] => {
  try {
    const files = readdirSync(directory).filter((file) => file.endsWith(SUFFIX));
    return files
      .map((file) => basename(file, SUFFIX))
      .filter(isName)
      .sort();
  } catch {
    return [];
  }
};

/** connect(2) on a Unix socket needs write permission on it (unix(7)). */
const mayConnect = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return statSync(path).isSocket();
  } catch {
    return false;
  }
};

const noneError = (directory: string, roles: readonly string[]): AirlockError => {
  const [first] = roles;
  if (first === undefined) return new AirlockError('UNAVAILABLE', `no agent socket below ${directory}`, { hint: NOT_RUNNING });
  if (roles.length === 1) return connectError(join(directory, first + SUFFIX), 'EACCES');
  return new AirlockError('UNAVAILABLE', `no permission to connect to any socket below ${directory}`, {
    hint: `join the group of one of the roles ${roles.join(', ')}: sudo usermod -aG airlock-r-ROLE USER, then log in anew`,
  });
};

const onlySocket = (env: Env): AgentSocket => {
  const directory = agentDir(env);
  const roles = listRoles(directory);
  const ours = roles.filter((role) => mayConnect(join(directory, role + SUFFIX)));
  const [first] = ours;
  if (first === undefined) throw noneError(directory, roles);
  if (ours.length === 1) return { path: join(directory, first + SUFFIX), role: first };
  throw new AirlockError('UNAVAILABLE', `several roles are open to this user: ${ours.join(', ')}`, {
    hint: `choose one: airlock use ${first}, or for once: AIRLOCK_ROLE=${first} or --role ${first}`,
    retry: 'with-change',
  });
};

const byRole = (role: string, env: Env): AgentSocket => {
  if (isName(role)) return { path: join(agentDir(env), role + SUFFIX), role };
  throw new AirlockError('PARAMS_INVALID', 'the role is no name of a role', {
    field: 'role',
    expected: '1 to 18 of a-z, 0-9 and -',
    hint: 'use the name the operator gave the role',
  });
};

/** Why a socket is the one. */
export type SocketReason = 'flag' | 'environment' | 'remembered' | 'only one';

export interface ChosenSocket {
  readonly socket: AgentSocket;
  readonly why: SocketReason;
}

/** As `findAgentSocket`, and why it is that one. */
export const chooseAgentSocket = ({ socket, role, env = process.env }: SocketChoice = {}): ChosenSocket => {
  const namedRole = variable(env, 'AIRLOCK_ROLE');
  if (socket !== undefined) return { socket: { path: socket, role: roleOf(socket, role ?? namedRole) }, why: 'flag' };
  if (role !== undefined) return { socket: byRole(role, env), why: 'flag' };
  const namedSocket = variable(env, 'AIRLOCK_SOCKET');
  if (namedSocket !== undefined)
    return { socket: { path: namedSocket, role: roleOf(namedSocket, namedRole) }, why: 'environment' };
  if (namedRole !== undefined) return { socket: byRole(namedRole, env), why: 'environment' };
  const remembered = roleMemory(env).read();
  if (remembered !== null) return { socket: byRole(remembered, env), why: 'remembered' };
  return { socket: onlySocket(env), why: 'only one' };
};

/**
 * The socket to connect to: `socket`, `role`, AIRLOCK_SOCKET, AIRLOCK_ROLE, the role that `airlock use` remembered, else
 * the only connectable one below AIRLOCK_RUNTIME_DIR/agent. What was named is not probed: connecting to it says why it fails.
 * @throws AirlockError UNAVAILABLE with the choices or the group to join, PARAMS_INVALID for a bad role name,
 *   CONFIG_INVALID where the remembered role cannot be trusted.
 */
export const findAgentSocket = (choice: SocketChoice = {}): AgentSocket => chooseAgentSocket(choice).socket;

/** The roles whose sockets exist, for messages. */
export const knownRoles = (env: Env): readonly string[] => listRoles(agentDir(env));
