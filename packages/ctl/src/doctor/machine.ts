/** What doctor looks at on an installed machine: users, sockets, modes, units, clock. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledConfig } from '@airlock/protocol';
import { findAccount, groupId } from '../accounts.js';
import { POLICY_DIR } from '../config/policies.js';
import type { Context } from '../context.js';
import { wrapping } from './wrapping.js';
import { check, REINSTALL, type Check } from './check.js';

const DAEMONS = ['airlock-totp', 'airlock-gateway'] as const;
/** Beyond this, codes of phone and machine are of different steps (RFC 6238 §5.2). */
const MAX_RTC_GAP_S = 15;

const users = (): Check[] =>
  DAEMONS.map((name) => {
    const there = findAccount(name) !== null;
    return check(`user ${name}`, there, there ? 'there' : 'missing', 'a user of its own', REINSTALL);
  });

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** The unit that makes a socket: `agent/bot.sock` → airlock-agent@bot.socket, `bridge.sock` → airlock-bridge.socket. */
const socketUnit = (file: string): string => `airlock-${file.replace('/', '@').replace(/\.sock$/, '.socket')}`;

/** A socket of the table in architecture.md. */
const socket = (context: Context, file: string, mode: number, group: string | null): Check => {
  const expected = `${octal(mode)} root:${group ?? 'root'}`;
  const fix = `sudo systemctl restart ${socketUnit(file)}`;
  const found = lstatSync(join(context.runtimeDir, file), { throwIfNoEntry: false });
  if (!found) return check(`socket ${file}`, false, 'missing', expected, fix);
  const gid = group === null ? 0 : groupId(group);
  const ok = found.isSocket() && octal(found.mode) === octal(mode) && found.uid === 0 && found.gid === gid;
  return check(`socket ${file}`, ok, `${octal(found.mode)} ${found.uid}:${found.gid}`, expected, fix);
};

const sockets = (context: Context, config: CompiledConfig | null): Check[] => [
  socket(context, 'bridge.sock', 0o660, 'airlock-gateway'),
  socket(context, 'release.sock', 0o660, 'airlock-cells'),
  socket(context, 'presence.sock', 0o660, 'airlock-presence'),
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
  const text = found ? `${octal(found.mode)} of uid ${found.uid}` : 'missing';
  return check(`state ${path}`, ok, text, '0700, of the daemon', found ? `sudo chmod 0700 ${path}` : REINSTALL);
};

/** Nothing that other users can write where programs and configuration come from. */
const trusted = (path: string): Check => {
  const found = statSync(path, { throwIfNoEntry: false });
  const ok = found !== undefined && found.uid === 0 && (found.mode & 0o022) === 0;
  return check(
    `trust ${path}`,
    ok,
    found ? `${octal(found.mode)} of uid ${found.uid}` : 'missing',
    'of root, not writable by others',
    found ? `sudo chown root: ${path} && sudo chmod go-w ${path}` : REINSTALL,
  );
};

const show = (unit: string): ReadonlyMap<string, string> => {
  const names = ['ActiveState', 'NeedDaemonReload', 'DropInPaths', 'ExecMainStartTimestamp'].flatMap((name) => ['-p', name]);
  const { stdout } = spawnSync('systemctl', ['show', '--timestamp=unix', ...names, unit], { encoding: 'utf8' });
  const lines = ((stdout as string | null) ?? '').split('\n').filter((line) => line.includes('='));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
};

/** Is the running program the one that is installed? */
const runsInstalled = (unit: string, startedAt: string): Check => {
  const program = statSync(`/usr/lib/airlock/${unit}.cjs`, { throwIfNoEntry: false });
  const startedS = Number(/^@(\d+)$/.exec(startedAt)?.[1] ?? 'NaN');
  // A systemd that does not know the form of the time: nothing to compare.
  const ok = program === undefined || Number.isNaN(startedS) || startedS >= Math.floor(program.mtimeMs / 1000) - 1;
  return check(
    `program ${unit}`,
    ok,
    ok ? 'the installed one runs' : 'started before the last installation',
    'the installed one',
    `sudo systemctl restart ${unit}`,
  );
};

const unit = (name: string): Check[] => {
  const facts = show(`${name}.service`);
  const state = facts.get('ActiveState') ?? 'unknown';
  const dropIns = (facts.get('DropInPaths') ?? '').split(' ').filter((path) => path !== '');
  const loose = dropIns.filter((path) => !trusted(path).ok);
  const stale = facts.get('NeedDaemonReload') === 'yes';
  const found = stale
    ? 'changed on disk since systemd read it'
    : loose.length > 0
      ? `writable by others: ${loose.join(' ')}`
      : dropIns.join(' ') || 'none';
  return [
    check(
      `unit ${name}`,
      state === 'active',
      state,
      'active',
      `sudo systemctl restart ${name}; sudo journalctl -u ${name} -n 50`,
    ),
    check(
      `drop-ins ${name}`,
      !stale && loose.length === 0,
      found,
      'as systemd read them, root’s alone',
      stale ? 'sudo systemctl daemon-reload' : `sudo chown root: ${loose.join(' ')} && sudo chmod go-w ${loose.join(' ')}`,
    ),
    runsInstalled(name, facts.get('ExecMainStartTimestamp') ?? ''),
  ];
};

const rtcGapS = (): number | null => {
  try {
    return Math.abs(Date.now() / 1000 - Number(readFileSync('/sys/class/rtc/rtc0/since_epoch', 'utf8')));
  } catch {
    // No such clock: a container, or a machine without one.
    return null;
  }
};

/** Codes are as right as this machine's clock: set by the network, or at least as the hardware clock has it. */
const timekeeping = (): Check => {
  const { stdout } = spawnSync('timedatectl', ['show', '-p', 'NTPSynchronized', '-p', 'LocalRTC'], {
    encoding: 'utf8',
    timeout: 5000,
  });
  const said = (stdout as string | null) ?? '';
  const expected = `set by the network, or within ${MAX_RTC_GAP_S} s of the hardware clock`;
  if (said.includes('NTPSynchronized=yes')) return check('timekeeping', true, 'set by the network', expected, '');
  const gapS = said.includes('LocalRTC=yes') ? null : rtcGapS();
  const found =
    gapS === null
      ? 'not known: no network time, no hardware clock'
      : `not set by the network, ${gapS.toFixed(0)} s from the hardware clock`;
  return check('timekeeping', gapS === null || gapS <= MAX_RTC_GAP_S, found, expected, 'sudo timedatectl set-ntp true');
};

const TRUSTED = [
  '/usr/lib/airlock',
  '/usr/lib/airlock/node',
  '/usr/lib/airlock/airlock-ctl.cjs',
  '/etc/airlock',
  '/etc/airlock/airlock.yaml',
];

/** Advice of the operator that agents may follow (docs/spec/mcp.md). */
const SKILL_DIR = 'skills';

/** Told only where something is wrong: who writes there stages rules and takes away at once, or advises agents. */
const writtenFiles = ({ configDir }: Context): Check[] =>
  [POLICY_DIR, SKILL_DIR].flatMap((name) => {
    const folder = join(configDir, name);
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder).map((file) => join(folder, file));
    return [folder, ...files].map(trusted).filter(({ ok }) => !ok);
  });

/** Everything that only an installed machine has. */
export const machineChecks = (context: Context, config: CompiledConfig | null): Check[] => [
  ...users(),
  ...sockets(context, config),
  ...DAEMONS.map((name) => directory(`/var/lib/${name}`)),
  ...TRUSTED.map(trusted),
  ...writtenFiles(context),
  ...DAEMONS.flatMap(unit),
  wrapping(context),
  timekeeping(),
];
