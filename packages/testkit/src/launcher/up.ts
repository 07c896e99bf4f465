/** Starts both daemons and the cells under one directory and keeps them running until `stop`. */
import { compileConfig, ROLES_FILE, YAML_FILE } from '@airlock/ctl';
import { copyFileSync, cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandEnvironment, makeLayout, type Layout } from './layout.js';
import { lockDirectory } from './lock.js';
import { serveMcpHosts } from './mcp-hosts.js';
import type { LauncherOptions } from './options.js';
import { waitReady } from './ready.js';
import { bindSocket, closeSocket, type BoundSocket } from './sockets.js';
import { supervise, type Program, type Supervised } from './supervise.js';

export const OPERATOR = 'default';

export interface Instance {
  readonly env: Readonly<Record<string, string>>;
  readonly sockets: Readonly<Record<string, string>>;
  readonly pids: { readonly totp: number; readonly gateway: number };
  stop(): Promise<void>;
}

/** Compiled anew at each start of a daemon, so that an edit of `--config DIR` takes effect as on a workstation. */
const writeConfig = (layout: Layout, options: LauncherOptions): void => {
  const roles = Object.fromEntries(options.roles.map((role) => [role, { operator: OPERATOR }]));
  writeFileSync(join(layout.config, ROLES_FILE), JSON.stringify({ operators: [OPERATOR], roles, isolation: 'none' }), {
    mode: 0o600,
  });
  const yaml = options.configDir === undefined ? undefined : join(options.configDir, YAML_FILE);
  if (yaml !== undefined && existsSync(yaml)) copyFileSync(yaml, join(layout.config, YAML_FILE));
  const policies = options.configDir === undefined ? undefined : join(options.configDir, 'policies');
  if (policies !== undefined && existsSync(policies)) cpSync(policies, join(layout.config, 'policies'), { recursive: true });
  const problem = compileConfig(layout.config, join(layout.lib, 'policies'));
  if (problem) process.stderr.write(`airlock: error: ${problem.message}\nairlock: hint: ${problem.data.hint}\n`);
};

const connectorPath = (layout: Layout, options: LauncherOptions): string =>
  [
    join(layout.lib, 'connectors'),
    join(layout.config, 'connectors'),
    ...(options.configDir === undefined ? [] : [join(options.configDir, 'connectors')]),
  ].join(':');

/** Only what the programs need: the launcher's own environment may hold anything. */
const daemonEnvironment = (layout: Layout, options: LauncherOptions): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  ...commandEnvironment(layout, connectorPath(layout, options)),
  // Each arena of malloc keeps what it once had.
  MALLOC_ARENA_MAX: '1',
  AIRLOCK_CELL_SLOTS: String(options.cells),
  ...(options.clockFile === undefined ? {} : { AIRLOCK_DEV_CLOCK_FILE: options.clockFile }),
});

/** As in the units: a small young generation and no helpers of V8's, which take more memory than these programs. */
const SMALL = ['--max-semi-space-size=1', '--v8-pool-size=0', '--optimize-for-size'];
/** The parser of HTTP is WebAssembly: compiled in one pass it takes a third of the memory. */
const CELL = [...SMALL, '--liftoff-only'];

const programs = (layout: Layout, options: LauncherOptions, bind: (name: string, file?: string) => BoundSocket): Program[] => {
  const env = daemonEnvironment(layout, options);
  const prepare = (): void => writeConfig(layout, options);
  const preload = options.preload === undefined ? [] : ['--require', options.preload];
  const bundle = (name: string): string => join(layout.lib, 'dev', `${name}.cjs`);
  const totp: Program = {
    name: 'airlock-totp',
    bundle: bundle('airlock-totp'),
    flags: ['--jitless', '--disallow-code-generation-from-strings', ...SMALL, ...preload],
    env: { ...env, ...(options.secretFile === undefined ? {} : { AIRLOCK_DEV_TOTP_SECRET_FILE: options.secretFile }) },
    sockets: [bind(`approve/${OPERATOR}`), bind('bridge'), bind('presence'), bind('release'), bind('root')],
    prepare,
  };
  const gateway: Program = {
    name: 'airlock-gateway',
    bundle: bundle('airlock-gateway'),
    flags: ['--disallow-code-generation-from-strings', '--max-semi-space-size=4', ...preload],
    env,
    sockets: [...options.roles.map((role) => bind(`agent/${role}`)), bind(`operator/${OPERATOR}`), bind('export')],
    prepare,
  };
  const cells = Array.from({ length: options.cells }, (_, slot): Program => {
    const socket = bind('cell', `cell/${slot}`);
    const own = { ...env, AIRLOCK_SLOT: String(slot) };
    return { name: `airlock-cell@${slot}`, bundle: bundle('airlock-cell'), flags: CELL, env: own, sockets: [socket] };
  });
  return [totp, gateway, ...cells];
};

/** A cell ends after each lease by design; the next one must be there at once. */
const CELL_RESTART_MS = 0;

const superviseAll = (list: readonly Program[], report: (event: object) => void): Supervised[] =>
  list.map((program, index) =>
    index < 2
      ? supervise(program, (pid) => report({ event: 'restarted', name: program.name, pid }))
      : supervise(program, () => undefined, CELL_RESTART_MS),
  );

/**
 * @param report gets one object for each later event, e.g. the restart of a daemon
 * @throws AirlockError UNAVAILABLE where a daemon does not answer
 */
export const startInstance = async (options: LauncherOptions, report: (event: object) => void): Promise<Instance> => {
  const layout = makeLayout(options.dir);
  const unlock = lockDirectory(options.dir);
  writeConfig(layout, options);
  const sockets: BoundSocket[] = [];
  const list = programs(layout, options, (name, file = name) => {
    const socket = bindSocket(name, join(layout.run, `${file}.sock`));
    sockets.push(socket);
    return socket;
  });
  const running = superviseAll(list, report);
  const hosts = serveMcpHosts(layout.run, options.cells);
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()));
    hosts.close();
    sockets.forEach(closeSocket);
    unlock();
  };
  try {
    await waitReady(layout, OPERATOR);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env: commandEnvironment(layout, connectorPath(layout, options)),
    sockets: Object.fromEntries(sockets.filter(({ name }) => name !== 'cell').map(({ name, path }) => [name, path])),
    pids: { totp: running[0]?.pid() ?? 0, gateway: running[1]?.pid() ?? 0 },
    stop,
  };
};
