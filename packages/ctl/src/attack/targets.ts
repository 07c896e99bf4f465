/** Who is attacked from where: users of roles, sockets, processes and files of this installation. */
import { AirlockError, COMPILED_CONFIG_FILE, parseCompiledConfig, type CompiledConfig } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { findAccount, type Account } from '../accounts.js';
import type { Context } from '../context.js';
import { groupMembers } from '../groups.js';
import { isInstalled } from '../system.js';
import { quote, type Targets } from './probe.js';

export interface Attack {
  /** Null: as whoever runs this. */
  readonly account: Account | null;
  readonly role: string;
  readonly targets: Targets;
}

export interface Choice {
  readonly role: string | undefined;
  readonly user: string | undefined;
}

/** Files looked at in each state directory; one that can be read is a hole, and they have one mode. */
const FILES_EACH = 6;
/** What has no place in a command line: a lease, an enrolment, a private key. */
const SECRETS = ['al1\\.', 'otpauth:', 'PRIVATE KEY'];

/** @throws AirlockError CONFIG_INVALID, UNAVAILABLE where nothing is installed */
export const readCompiled = ({ configDir }: Context): CompiledConfig => {
  const path = join(configDir, COMPILED_CONFIG_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new AirlockError('UNAVAILABLE', `${path} cannot be read`, { hint: 'is Airlock installed? sudo ./install.sh' });
  }
  return parseCompiledConfig(JSON.parse(text));
};

const filesBelow = (directory: string): string[] => {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .slice(0, FILES_EACH);
  } catch {
    // Closed to us, as it should be.
    return [];
  }
};

const readProc = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

/** Daemons and the first live cell as systemd knows them: no process can pass itself off as one of these. */
const unitProcesses = (): Readonly<Record<string, number>> => {
  const mainPid = (unit: string): number => {
    const { stdout } = spawnSync('systemctl', ['show', '--state=active', '-p', 'MainPID', '--value', unit], { encoding: 'utf8' });
    return (
      (stdout as string | null)
        ?.split('\n')
        .map(Number)
        .find((pid) => pid > 0) ?? 0
    );
  };
  const units = {
    totp: 'airlock-totp.service',
    gateway: 'airlock-gateway.service',
    export: 'airlock-export.service',
    presence: 'airlock-presence.service',
    cell: 'airlock-cell@*.service',
    mcp: 'airlock-mcp@*.service',
  };
  const pids = Object.entries(units).map(([name, unit]) => [name, mainPid(unit)] as const);
  return Object.fromEntries(pids.filter(([, pid]) => pid > 0));
};

/** The same of a development instance, by the bundle they run; another instance on this machine is not ours. */
const bundleProcesses = (runtimeDir: string): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const bundle = readProc(pid, 'cmdline')
      .split('\0')
      .map((arg) => /^airlock-(totp|gateway|cell)\.cjs$/.exec(basename(arg))?.[1])
      .find((name) => name !== undefined);
    if (bundle === undefined) continue;
    const environment = readProc(pid, 'environ').split('\0');
    const isOurs = environment.length <= 1 || environment.includes(`AIRLOCK_RUNTIME_DIR=${runtimeDir}`);
    if (isOurs) found[bundle] ??= Number(pid);
  }
  return found;
};

/** Where programs and state are. */
export const placesOf = (context: Context): Pick<Targets, 'node' | 'stateDirs' | 'libraryDir' | 'commands'> => {
  const node = process.execPath;
  if (isInstalled(context)) {
    return {
      node,
      stateDirs: ['/var/lib/airlock-totp', '/var/lib/airlock-gateway'],
      libraryDir: '/usr/lib/airlock',
      commands: { airlock: 'airlock', ctl: 'airlock-ctl' },
    };
  }
  const bundle = process.argv[1] ?? '';
  const library = join(bundle, '..');
  const here = `AIRLOCK_RUNTIME_DIR=${quote(context.runtimeDir)} AIRLOCK_CONFIG_DIR=${quote(context.configDir)}`;
  const call = (name: string): string => `${here} ${quote(process.execPath)} ${quote(join(library, `${name}.cjs`))}`;
  const state = context.env['AIRLOCK_STATE_DIR'];
  return {
    node,
    stateDirs: state === undefined ? [] : [join(state, 'totp'), join(state, 'gateway')],
    libraryDir: library,
    commands: { airlock: call('airlock'), ctl: call('airlock-ctl') },
  };
};

const usersOf = (role: string): readonly string[] => groupMembers(`airlock-r-${role}`);

/** Those that every installation has, with the numbered ones. */
const KNOWN_SOCKETS = /^(?:(?:agent|operator|approve|cell|mcp)\/|(?:bridge|release|root)\.sock$)/;

/** Sockets that are there besides: what a later release brings is tried too. */
export const moreSockets = (runtimeDir: string): readonly string[] => {
  try {
    return readdirSync(runtimeDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isSocket())
      .map((entry) => relative(runtimeDir, join(entry.parentPath, entry.name)))
      .filter((file) => !KNOWN_SOCKETS.test(file))
      .sort();
  } catch {
    return [];
  }
};

/** Of what holds keys. One cell stands for all: they are instances of one unit. */
export const UNITS = ['airlock-totp.service', 'airlock-gateway.service', 'airlock-cell@0.service', 'airlock-mcp@0.service'];

/** What one user of one role is let loose on. */
export const targetsOf = (context: Context, config: CompiledConfig, self: string, ownRole: string): Targets => {
  const foreignRoles = Object.keys(config.roles).filter((role) => role !== ownRole && !usersOf(role).includes(self));
  const operator = config.roles[ownRole]?.operator ?? config.operators[0] ?? 'default';
  const places = placesOf(context);
  return {
    ...places,
    runtimeDir: context.runtimeDir,
    configDir: context.configDir,
    self,
    ownRole,
    foreignRoles,
    foreignAgents: foreignRoles.flatMap((role) => usersOf(role).map((user) => ({ user, role }))),
    operator,
    operatorHome: findAccount(operator)?.home ?? `/home/${operator}`,
    moreSockets: moreSockets(context.runtimeDir),
    units: isInstalled(context) ? UNITS : [],
    pids: isInstalled(context) ? unitProcesses() : bundleProcesses(context.runtimeDir),
    stateFiles: places.stateDirs.flatMap(filesBelow),
    secrets: SECRETS,
  };
};

const unknownRole = (config: CompiledConfig, role: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `there is no role ${role}`, {
    field: '--role',
    expected: Object.keys(config.roles).join(', '),
    found: role,
    hint: 'airlock-ctl role list',
  });

const unknownUser = (user: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `there is no user ${user}`, {
    field: '--user',
    expected: 'a Linux user of agents',
    found: user,
    hint: 'airlock-ctl role list shows the groups; getent group airlock-r-ROLE shows its users',
  });

/** As root every user of every role, or those chosen; anybody else attacks as oneself. */
export const chooseAttacks = (context: Context, config: CompiledConfig, choice: Choice): readonly Attack[] => {
  if (choice.role !== undefined && !(choice.role in config.roles)) throw unknownRole(config, choice.role);
  const roles = choice.role === undefined ? Object.keys(config.roles) : [choice.role];
  const own = findAccount(String(process.getuid?.() ?? 0))?.user ?? '';
  const isRoot = process.getuid?.() === 0;
  const as = (user: string, role: string): Attack => {
    const account = user === own ? null : findAccount(user);
    if (account === null && user !== own) throw unknownUser(user);
    return { account, role, targets: targetsOf(context, config, user, role) };
  };
  const first = roles[0] ?? 'default';
  if (!isRoot || (!isInstalled(context) && choice.user === undefined)) {
    if (choice.user !== undefined && choice.user !== own) throw needsRoot(choice.user);
    return [as(own, roles.find((role) => usersOf(role).includes(own)) ?? first)];
  }
  if (choice.user !== undefined) {
    const { user } = choice;
    return [as(user, roles.find((role) => usersOf(role).includes(user)) ?? first)];
  }
  return roles.flatMap((role) => usersOf(role).map((user) => as(user, role)));
};

const needsRoot = (user: string): AirlockError =>
  new AirlockError('UNAVAILABLE', `only root can attack as ${user}`, { hint: `sudo airlock-ctl doctor --attack --user ${user}` });
