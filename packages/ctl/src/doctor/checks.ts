/** What doctor looks at: users, modes, sockets, units, clock, versions. Each check says what to do. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError, COMPILED_CONFIG_FILE, parseCompiledConfig, type CompiledConfig } from '@airlock/protocol';
import { bothDaemons } from '../commands/status.js';
import { findOperator, type Context } from '../context.js';
import { isInstalled } from '../system.js';

export interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}

const MIN_NODE = [20, 19, 0] as const;
/** A clock further off than one step makes codes fail now and then. */
const MAX_CLOCK_GAP_S = 2;
const REINSTALL = 'sudo ./install.sh';

const check = (id: string, ok: boolean, found: string, expected: string, fix: string): Check => ({
  id,
  ok,
  found,
  expected,
  fix: ok ? '' : fix,
});

const nodeVersion = (): Check => {
  const parts = process.versions.node.split('.').map(Number);
  const first = MIN_NODE.findIndex((part, index) => part !== parts[index]);
  const ok = first < 0 || (parts[first] ?? 0) > (MIN_NODE[first] ?? 0);
  return check(
    'node',
    ok,
    process.versions.node,
    `${MIN_NODE.join('.')} or newer`,
    'install a newer Node, then run install.sh again',
  );
};

const configuration = (context: Context): { check: Check; config: CompiledConfig | null } => {
  const path = join(context.configDir, COMPILED_CONFIG_FILE);
  const expected = 'a configuration that both daemons accept';
  try {
    const config = parseCompiledConfig(JSON.parse(readFileSync(path, 'utf8')));
    return { check: check('configuration', true, path, expected, ''), config };
  } catch (error) {
    const found = error instanceof AirlockError ? error.message : `${path} cannot be read`;
    const fix = error instanceof AirlockError ? error.data.hint : 'as root: airlock-ctl config compile';
    return { check: check('configuration', false, found, expected, fix), config: null };
  }
};

const passwd = (name: string): boolean => spawnSync('getent', ['passwd', name]).status === 0;
const groupId = (name: string): number | null => {
  const { stdout } = spawnSync('getent', ['group', name], { encoding: 'utf8' });
  const gid = Number(stdout.split(':')[2]);
  return stdout === '' || Number.isNaN(gid) ? null : gid;
};

const users = (): Check[] =>
  ['airlock-totp', 'airlock-gateway'].map((name) => {
    const there = passwd(name);
    return check(`user ${name}`, there, there ? 'there' : 'missing', 'a user of its own', REINSTALL);
  });

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** A socket of the table in architecture.md. */
const socket = (context: Context, file: string, mode: number, group: string | null): Check => {
  const path = join(context.runtimeDir, file);
  const expected = `${octal(mode)} root:${group ?? 'root'}`;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return check(`socket ${file}`, false, 'missing', expected, 'systemctl status airlock-totp airlock-gateway');
  const gid = group === null ? 0 : groupId(group);
  const ok = found.isSocket() && octal(found.mode) === octal(mode) && found.uid === 0 && found.gid === gid;
  return check(`socket ${file}`, ok, `${octal(found.mode)} ${found.uid}:${found.gid}`, expected, REINSTALL);
};

const sockets = (context: Context, config: CompiledConfig | null): Check[] => [
  socket(context, 'bridge.sock', 0o660, 'airlock-gateway'),
  socket(context, 'release.sock', 0o660, 'airlock-cells'),
  socket(context, 'root.sock', 0o600, null),
  ...Object.keys(config?.roles ?? {}).map((role) => socket(context, `agent/${role}.sock`, 0o660, `airlock-r-${role}`)),
  ...(config?.operators ?? []).flatMap((operator) => [
    socket(context, `operator/${operator}.sock`, 0o660, `airlock-o-${operator}`),
    socket(context, `approve/${operator}.sock`, 0o660, `airlock-o-${operator}`),
  ]),
];

const directory = (path: string): Check => {
  const found = statSync(path, { throwIfNoEntry: false });
  const ok = found !== undefined && (found.mode & 0o077) === 0 && found.uid !== 0;
  return check(
    `state ${path}`,
    ok,
    found ? `${octal(found.mode)} of uid ${found.uid}` : 'missing',
    '0700, of the daemon',
    REINSTALL,
  );
};

const units = (): Check[] =>
  ['airlock-totp.service', 'airlock-gateway.service'].map((unit) => {
    const { stdout } = spawnSync('systemctl', ['is-active', unit], { encoding: 'utf8' });
    const state = stdout.trim() || 'unknown';
    return check(`unit ${unit}`, state === 'active', state, 'active', `systemctl restart ${unit}; journalctl -u ${unit} -n 50`);
  });

/** Nothing that other users can write where programs and configuration come from. */
const trusted = (path: string): Check => {
  const found = statSync(path, { throwIfNoEntry: false });
  const ok = found !== undefined && found.uid === 0 && (found.mode & 0o022) === 0;
  return check(
    `trust ${path}`,
    ok,
    found ? `${octal(found.mode)} of uid ${found.uid}` : 'missing',
    'of root, not writable by others',
    `sudo chown root: ${path} && sudo chmod go-w ${path}`,
  );
};

const daemons = async (context: Context): Promise<Check[]> => {
  const { totp, gateway } = await bothDaemons(context);
  const problem = (up: typeof totp | typeof gateway): { found: string; fix: string } | null => {
    if (!up.status) return { found: up.problem?.message ?? 'no answer', fix: up.problem?.data.hint ?? '' };
    return up.status.sealed ? { found: `sealed: ${up.status.sealed.message}`, fix: up.status.sealed.hint } : null;
  };
  const list = (
    [
      ['airlock-totp', totp],
      ['airlock-gateway', gateway],
    ] as const
  ).map(([name, up]) => {
    const found = problem(up);
    return check(name, found === null, found?.found ?? 'answers', 'answers, not sealed', found?.fix ?? '');
  });
  if (totp.status) {
    const gapS = Math.abs(Date.now() - Date.parse(totp.status.now)) / 1000;
    list.push(
      check(
        'phone',
        totp.status.enrolled,
        totp.status.enrolled ? 'enrolled' : 'not enrolled',
        'enrolled',
        'sudo airlock-ctl init',
      ),
      check(
        'clock',
        gapS <= MAX_CLOCK_GAP_S || context.env['AIRLOCK_STATE_DIR'] !== undefined,
        `${gapS.toFixed(1)} s apart`,
        `at most ${MAX_CLOCK_GAP_S} s`,
        'timedatectl set-ntp true',
      ),
    );
  }
  if (gateway.status) {
    const age = gateway.status.heartbeatAgeMs;
    list.push(
      check(
        'bridge',
        age !== null && age <= 2000,
        age === null ? 'never heard of airlock-totp' : `${age} ms ago`,
        'at most 2000 ms',
        'systemctl restart airlock-totp airlock-gateway',
      ),
    );
    list.push(
      check(
        'isolation',
        gateway.status.isolation === 'users',
        gateway.status.isolation,
        'users',
        'give agents a user of their own: sudo ./install.sh --agent-user NAME',
      ),
    );
  }
  return list;
};

const wrapping = (context: Context): Check => {
  const sealed = existsSync(join(context.configDir, 'wrap.cred'));
  return check(
    'wrapping key',
    true,
    sealed ? 'sealed by systemd-creds (TPM2 or host key)' : 'a file of airlock-totp: both disks together open the vault',
    'either',
    '',
  );
};

const connectors = (context: Context): Check => {
  const dirs = (context.env['AIRLOCK_CONNECTORS'] ?? '/usr/lib/airlock/connectors').split(':').filter(existsSync);
  const kinds = dirs.flatMap((dir) =>
    readdirSync(dir)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -5)),
  );
  return check('connectors', kinds.length > 0, kinds.join(', ') || 'none', 'at least one kind', REINSTALL);
};

/** All checks that make sense for this kind of installation. */
export const runChecks = async (context: Context): Promise<readonly Check[]> => {
  const { check: configurationCheck, config } = configuration(context);
  const system = isInstalled(context)
    ? [
        ...users(),
        ...sockets(context, config),
        directory('/var/lib/airlock-totp'),
        directory('/var/lib/airlock-gateway'),
        ...[
          '/usr/lib/airlock',
          '/usr/lib/airlock/node',
          '/usr/lib/airlock/airlock-ctl.cjs',
          '/etc/airlock',
          '/etc/airlock/airlock.yaml',
        ].map(trusted),
        ...units(),
        wrapping(context),
      ]
    : [];
  const operator = ((): Check => {
    try {
      return check('operator', true, findOperator(context), 'one operator', '');
    } catch (error) {
      return check(
        'operator',
        false,
        error instanceof Error ? error.message : 'none',
        'one operator',
        error instanceof AirlockError ? error.data.hint : '',
      );
    }
  })();
  return [
    nodeVersion(),
    configurationCheck,
    operator,
    connectors(context),
    ...system,
    ...(operator.ok ? await daemons(context) : []),
  ];
};
