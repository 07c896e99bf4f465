/** role add|remove|list, and what install.sh needs: who may ask, under which Linux group, through which socket. */
import { pemOfKey } from '@airlock/audit';
import {
  AirlockError,
  isName,
  OPERATOR_ROLE,
  type ApproveStatus,
  type CompiledConfig,
  type LeaseView,
  type PendingResult,
} from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileConfig, parseRolesFile, replaceFile, ROLES_FILE, type RolesFile } from '../config/compile.js';
import { ask, withRoot, withSocket, type Context } from '../context.js';
import { groupMembers } from '../groups.js';
import { errorLines, hintFor } from '../hints.js';
import { note, print, table } from '../output.js';
import { needInstallation, needRoot, system, UNIT_DIR } from '../system.js';
import { keyDidNotOpen, notOpened } from '../unopened.js';
import { textOption, type Command, type Invocation } from './command.js';

const EMPTY: RolesFile = { operators: [], roles: {}, isolation: 'users' };

const rolesPath = (context: Context): string => join(context.configDir, ROLES_FILE);

/** Who may ask, as install.sh and `role add` wrote it; empty where nothing was written yet. */
export const readRoles = (context: Context): RolesFile => {
  const path = rolesPath(context);
  return existsSync(path) ? parseRolesFile(readFileSync(path, 'utf8'), path) : EMPTY;
};

const writeRoles = (context: Context, roles: RolesFile): void => {
  replaceFile(rolesPath(context), `${JSON.stringify(roles, null, 1)}\n`, 0o644);
  compileConfig(context.configDir);
};

const checkRole = (name: string | undefined): string => {
  if (name !== undefined && isName(name) && name !== OPERATOR_ROLE) return name;
  throw new AirlockError('PARAMS_INVALID', `a role cannot be called ${name ?? 'nothing'}`, {
    field: 'NAME',
    expected: `a-z, 0-9 and -, at most 18 characters, not ${OPERATOR_ROLE}`,
    found: name ?? 'nothing',
  });
};

const checkUser = (name: string | undefined): string => {
  if (name !== undefined && /^[a-z_][a-z0-9_-]{0,31}$/.test(name) && spawnSync('id', ['-u', name]).status === 0) return name;
  const missing = name === undefined;
  throw new AirlockError('PARAMS_INVALID', missing ? '--user is missing' : `there is no user ${name}`, {
    field: '--user',
    expected: 'an existing Linux user',
    found: name ?? 'nothing',
    hint: missing ? 'airlock-ctl role add NAME --user USER' : 'make one: sudo useradd --create-home NAME',
  });
};

const dropin = (role: string): string => join(UNIT_DIR, 'airlock-gateway.service.d', `role-${role}.conf`);

/** Both daemons read who may ask at their start; live leases outlast it. */
const restartDaemons = (): void => system('systemctl', 'restart', 'airlock-totp.service', 'airlock-gateway.service');

/** A socket cannot be started for a service that runs: the gateway asks for it, and is restarted once. */
const startSocket = (role: string): void => {
  const unit = `airlock-agent@${role}.socket`;
  mkdirSync(join(UNIT_DIR, 'airlock-gateway.service.d'), { recursive: true, mode: 0o755 });
  writeFileSync(dropin(role), `[Unit]\nWants=${unit}\nAfter=${unit}\n`, { mode: 0o644 });
  system('systemctl', 'daemon-reload');
  system('systemctl', 'enable', '--quiet', unit);
  restartDaemons();
};

/** A role keeps its operator; a new one belongs to the named, or to the only one there is. */
const operatorOf = (roles: RolesFile, role: string, named: string | undefined): string => {
  const present = Object.hasOwn(roles.roles, role) ? roles.roles[role]?.operator : undefined;
  if (present !== undefined && (named === undefined || named === present)) return present;
  if (present !== undefined) {
    throw new AirlockError('PARAMS_INVALID', `role ${role} is approved by ${present}`, {
      field: '--operator',
      expected: present,
      found: named ?? 'nothing',
      hint: `airlock-ctl role add ${role} --user USER; or first: airlock-ctl role remove ${role}`,
    });
  }
  const operator = named ?? (roles.operators.length === 1 ? roles.operators[0] : undefined);
  if (operator !== undefined && roles.operators.includes(operator)) return operator;
  throw new AirlockError('PARAMS_INVALID', 'which operator does the role belong to?', {
    field: '--operator',
    expected: roles.operators.join(', ') || 'an operator: sudo ./install.sh --operator NAME',
    found: named ?? 'nothing',
    hint: `airlock-ctl role add ${role} --user USER --operator ${roles.operators[0] ?? 'NAME'}`,
  });
};

const INSTEAD = 'roles of a development instance: npm run --silent dev -- up --roles NAME,NAME';

const socketPath = (context: Context, role: string): string => join(context.runtimeDir, 'agent', `${role}.sock`);
const isUp = (context: Context, role: string): boolean =>
  lstatSync(socketPath(context, role), { throwIfNoEntry: false })?.isSocket() === true;

const add = (context: Context, invocation: Invocation): void => {
  needRoot();
  needInstallation(context, INSTEAD);
  const role = checkRole(invocation.args[0]);
  const user = checkUser(textOption(invocation, 'user'));
  const roles = readRoles(context);
  const operator = operatorOf(roles, role, textOption(invocation, 'operator'));
  const group = `airlock-r-${role}`;
  const isNew = !Object.hasOwn(roles.roles, role);
  system('groupadd', '--system', '--force', group);
  const isMember = groupMembers(group).includes(user);
  if (!isMember) system('usermod', '-aG', group, user);
  if (isNew) writeRoles(context, { ...roles, roles: { ...roles.roles, [role]: { operator } } });
  // Also where an earlier run stopped between the file and the socket.
  if (isNew || !isUp(context, role)) startSocket(role);
  const did = isNew
    ? `role ${role} for user ${user}`
    : isMember
      ? `${user} has role ${role} already`
      : `${user} has role ${role} as well`;
  const next = `${user} has to log in again (or: newgrp ${group}), then: AIRLOCK_ROLE=${role} airlock services`;
  print(context, { role, user, operator, group, users: groupMembers(group) }, `${did}, approved by ${operator}\n${next}`);
};

/** Leases and requests of a role that goes, at the operator's own socket: taking away needs no code (QUEUE-12). */
const endRole = (context: Context, role: string, operator: string): Promise<number> =>
  withSocket(join(context.runtimeDir, 'approve', `${operator}.sock`), async (link) => {
    const { enrolled } = await ask<ApproveStatus>(link, 'status');
    if (!enrolled) return 0;
    const { front, waiting } = await ask<PendingResult>(link, 'pending');
    for (const one of front ? [front, ...waiting] : waiting)
      if (one.role === role) await ask(link, 'request.deny', { request: one.id, reason: 'the role was removed' });
    const { leases } = await ask<{ leases: readonly LeaseView[] }>(link, 'leases');
    const own = leases.filter((lease) => lease.role === role);
    for (const { id } of own) await ask(link, 'revoke', { lease: id });
    return own.length;
  });

const unknownRole = (roles: RolesFile, role: string): AirlockError =>
  new AirlockError('NOT_FOUND', `there is no role ${role}`, {
    field: 'NAME',
    expected: Object.keys(roles.roles).join(', ') || 'none yet',
    found: role,
    hint: 'airlock-ctl role list',
  });

const remove = async (context: Context, { args }: Invocation): Promise<void> => {
  needRoot();
  needInstallation(context, INSTEAD);
  const role = checkRole(args[0]);
  const roles = readRoles(context);
  const entry = Object.hasOwn(roles.roles, role) ? roles.roles[role] : undefined;
  if (!entry) throw unknownRole(roles, role);
  const group = `airlock-r-${role}`;
  const users = groupMembers(group);
  const revoked = await endRole(context, role, entry.operator);
  system('systemctl', 'disable', '--quiet', '--now', `airlock-agent@${role}.socket`);
  rmSync(dropin(role), { force: true });
  rmSync(socketPath(context, role), { force: true });
  writeRoles(context, { ...roles, roles: Object.fromEntries(Object.entries(roles.roles).filter(([name]) => name !== role)) });
  system('systemctl', 'daemon-reload');
  restartDaemons();
  spawnSync('groupdel', [group]);
  const kept = `kept: ${users.length === 0 ? 'no user had it' : `the Linux ${users.length === 1 ? 'user' : 'users'} ${users.join(', ')}`}; services, credentials and records`;
  print(
    context,
    { removed: role, revoked, users },
    `removed role ${role}, its socket and group; ${revoked} live leases ended\n${kept}`,
  );
};

const list = (context: Context): void => {
  const rows = Object.entries(readRoles(context).roles).map(([role, { operator }]) => {
    const group = `airlock-r-${role}`;
    return { role, operator, group, users: groupMembers(group), socket: isUp(context, role) ? 'up' : 'missing' };
  });
  const text = table(
    ['role', 'operator', 'group', 'users', 'socket'],
    rows.map((one) => [one.role, one.operator, one.group, one.users.join(' ') || 'none', one.socket]),
  );
  print(context, rows, rows.length === 0 ? 'no role yet; add one: sudo airlock-ctl role add NAME --user USER' : text);
};

const compile = (context: Context): void => {
  const problem = compileConfig(context.configDir);
  if (problem) note(context, errorLines(problem));
};

const member = (context: Context, invocation: Invocation): void => {
  const roles = readRoles(context);
  const operator = textOption(invocation, 'operator') ?? '';
  const role = checkRole(textOption(invocation, 'role'));
  const isolation = (textOption(invocation, 'isolation') ?? 'users') as CompiledConfig['isolation'];
  const operators = [...new Set([...roles.operators, operator])];
  const next: RolesFile = { operators, roles: { [role]: { operator }, ...roles.roles }, isolation };
  parseRolesFile(JSON.stringify(next), rolesPath(context));
  writeRoles(context, next);
};

const units = (context: Context): void => {
  const { operators, roles } = readRoles(context);
  const names = [
    ...Object.keys(roles).map((role) => `airlock-agent@${role}.socket`),
    ...operators.flatMap((operator) => [`airlock-operator@${operator}.socket`, `airlock-approve@${operator}.socket`]),
  ];
  context.terminal.out(`${names.join('\n')}\n`);
};

/** Public keys of both logs' heads, where `audit verify` finds them. */
const keys = async (context: Context): Promise<void> => {
  const answer = await withRoot(context, (link) => ask<{ keys: Readonly<Record<string, string>> }>(link, 'keys'));
  for (const [log, key] of Object.entries(answer.keys)) {
    replaceFile(join(context.configDir, 'keys', `${log}.vkey`), `${key}\n`, 0o644);
    replaceFile(join(context.configDir, 'keys', `${log}.pem`), pemOfKey(key), 0o644);
  }
};

const BACKOFF_MS = 3000;

/** As ExecStopPost of airlock-totp, after a start that failed: words for the journal, and time until the next try. */
const tellNotOpened = async ({ terminal }: Context): Promise<void> => {
  if (!keyDidNotOpen()) return;
  const problem = notOpened();
  terminal.err(`airlock-totp cannot start: ${problem.message}\n${hintFor(problem)}\n`);
  await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS));
};

export const ROLE_COMMANDS: readonly Command[] = [
  {
    name: 'role add',
    args: '<name>',
    summary: 'let the agents of a Linux user ask (root): makes group and socket; for a role that is there it adds the user',
    flags: [
      { flags: '--user <user>', summary: 'the Linux user of these agents' },
      { flags: '--operator <name>', summary: 'who approves, where there are several' },
    ],
    run: add,
  },
  {
    name: 'role remove',
    args: '<name>',
    summary: 'take a role away (root): ends its leases, keeps its Linux users',
    run: remove,
  },
  { name: 'role list', summary: 'roles, who approves for them, their users, and whether the socket is up', run: list },
  { name: 'config unsealed', summary: 'says where the wrapping key did not open', hidden: true, run: tellNotOpened },
  { name: 'config compile', summary: 'airlock.yaml to what the daemons read', hidden: true, run: compile },
  {
    name: 'config member',
    summary: 'an operator and a role of it',
    hidden: true,
    flags: [
      { flags: '--operator <name>', summary: 'operator' },
      { flags: '--role <name>', summary: 'role' },
      { flags: '--isolation <kind>', summary: 'users or same-user' },
    ],
    run: member,
  },
  { name: 'config units', summary: 'socket units of operators and roles', hidden: true, run: units },
  { name: 'config keys', summary: 'fetch the public keys of the log heads', hidden: true, run: keys },
];
