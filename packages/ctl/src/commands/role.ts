/** role add|remove|list, and what install.sh needs: who may ask, under which Linux group, through which socket. */
import { AirlockError, isName, OPERATOR_ROLE, type CompiledConfig } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileConfig, parseRolesFile, replaceFile, ROLES_FILE, type RolesFile } from '../config/compile.js';
import { ask, withRoot, type Context } from '../context.js';
import { note, print, table } from '../output.js';
import { textOption, type Command, type Invocation } from './command.js';

const UNIT_DIR = '/etc/systemd/system';
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

const needRoot = (): void => {
  if (process.getuid?.() === 0) return;
  throw new AirlockError('UNAVAILABLE', 'this needs root', { hint: `sudo airlock-ctl ${process.argv.slice(2).join(' ')}` });
};

/** Runs a system command; its own words are in the error. */
const system = (command: string, ...args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new AirlockError('INTERNAL', `${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`, {
    hint: 'airlock-ctl doctor',
  });
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

const soleOperator = (roles: RolesFile, named: string | undefined): string => {
  const operator = named ?? (roles.operators.length === 1 ? roles.operators[0] : undefined);
  if (operator !== undefined && roles.operators.includes(operator)) return operator;
  throw new AirlockError('PARAMS_INVALID', `which operator does the role belong to?`, {
    field: '--operator',
    expected: roles.operators.join(', '),
    found: named ?? 'nothing',
  });
};

const add = (context: Context, invocation: Invocation): void => {
  needRoot();
  const role = checkRole(invocation.args[0]);
  const user = checkUser(textOption(invocation, 'user'));
  const roles = readRoles(context);
  const operator = soleOperator(roles, textOption(invocation, 'operator'));
  const group = `airlock-r-${role}`;
  system('groupadd', '--system', '--force', group);
  system('usermod', '-aG', group, user);
  writeRoles(context, { ...roles, roles: { ...roles.roles, [role]: { operator } } });
  startSocket(role);
  print(
    context,
    { role, user, operator, group },
    `role ${role} for user ${user}, approved by ${operator}\n${user} has to log in again (or: newgrp ${group}), then: AIRLOCK_ROLE=${role} airlock services`,
  );
};

const remove = (context: Context, { args }: Invocation): void => {
  needRoot();
  const role = checkRole(args[0]);
  const { roles, ...rest } = readRoles(context);
  if (!Object.hasOwn(roles, role))
    throw new AirlockError('NOT_FOUND', `there is no role ${role}`, {
      field: 'NAME',
      expected: Object.keys(roles).join(', '),
      found: role,
    });
  system('systemctl', 'disable', '--quiet', '--now', `airlock-agent@${role}.socket`);
  rmSync(dropin(role), { force: true });
  rmSync(join(context.runtimeDir, 'agent', `${role}.sock`), { force: true });
  writeRoles(context, { ...rest, roles: Object.fromEntries(Object.entries(roles).filter(([name]) => name !== role)) });
  system('systemctl', 'daemon-reload');
  restartDaemons();
  spawnSync('groupdel', [`airlock-r-${role}`]);
  print(context, { removed: role }, `removed role ${role}`);
};

const list = (context: Context): void => {
  const { roles } = readRoles(context);
  const rows = Object.entries(roles).map(([role, { operator }]) => ({ role, operator, group: `airlock-r-${role}` }));
  print(
    context,
    rows,
    table(
      ['role', 'operator', 'group'],
      rows.map((one) => [one.role, one.operator, one.group]),
    ),
  );
};

const compile = (context: Context): void => {
  const problem = compileConfig(context.configDir);
  if (problem) note(context, `airlock: error: ${problem.message}\nairlock: hint: ${problem.data.hint}`);
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
  for (const [log, key] of Object.entries(answer.keys))
    replaceFile(join(context.configDir, 'keys', `${log}.vkey`), `${key}\n`, 0o644);
};

export const ROLE_COMMANDS: readonly Command[] = [
  {
    name: 'role add',
    args: '<name>',
    summary: 'let the agents of a Linux user ask (root): makes group and socket',
    flags: [
      { flags: '--user <user>', summary: 'the Linux user of these agents' },
      { flags: '--operator <name>', summary: 'who approves, where there are several' },
    ],
    run: add,
  },
  { name: 'role remove', args: '<name>', summary: 'take a role away (root)', run: remove },
  { name: 'role list', summary: 'roles, who approves for them, their groups', run: list },
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
