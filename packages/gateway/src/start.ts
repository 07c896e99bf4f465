/** From environment and activated sockets to a running gateway; the entry points differ in clock and timers only. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeActivatedSockets } from '@airlock/ipc';
import type { Clock, Timers } from '@airlock/protocol';
import { runGateway } from './gateway.js';
import { GATEWAY_LIMITS } from './limits.js';
import type { GatewayOptions } from './options.js';

type Env = Readonly<Record<string, string | undefined>>;

const CONNECTOR_DIRS = '/usr/lib/airlock/connectors:/etc/airlock/connectors';

/** docs/design/runtime.md "Boot id". */
const bootIdOf = (env: Env): string => {
  const given = env['AIRLOCK_BOOT_ID'];
  return given !== undefined && given !== ''
    ? given
    : readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '');
};

const slotsOf = (env: Env): number => {
  const count = Number(env['AIRLOCK_CELL_SLOTS'] ?? GATEWAY_LIMITS.cellSlots);
  return Number.isSafeInteger(count) && count >= 1 && count <= GATEWAY_LIMITS.maxCellSlots ? count : GATEWAY_LIMITS.cellSlots;
};

/** What the environment says (docs/design/runtime.md). */
export const optionsFromEnv = (env: NodeJS.ProcessEnv, clock: Clock, timers: Timers): GatewayOptions => ({
  clock,
  timers,
  sockets: new Map([...takeActivatedSockets(env)].map(([name, fd]) => [name, { fd }])),
  runtimeDir: env['AIRLOCK_RUNTIME_DIR'] ?? '/run/airlock',
  stateDir: env['STATE_DIRECTORY'] ?? join(env['AIRLOCK_STATE_DIR'] ?? '/var/lib/airlock', 'gateway'),
  configDir: env['AIRLOCK_CONFIG_DIR'] ?? '/etc/airlock',
  connectorDirs: (env['AIRLOCK_CONNECTORS'] ?? CONNECTOR_DIRS).split(':').filter((dir) => dir !== ''),
  cellSlots: slotsOf(env),
  bootId: bootIdOf(env),
  log: (message) => void process.stderr.write(`airlock-gateway: ${message}\n`),
});

const run = (clock: Clock, timers: Timers): Promise<unknown> => {
  const stop = (): void => void running.then((gateway) => gateway.close()).then(() => process.exit(0));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const running = runGateway({ ...optionsFromEnv(process.env, clock, timers), restart: stop });
  return running;
};

/** Runs until SIGTERM or SIGINT. Where it cannot start, it says why and ends at once, with whatever it serves by then. */
export const start = async (clock: Clock, timers: Timers): Promise<void> => {
  try {
    await run(clock, timers);
  } catch (thrown) {
    process.stderr.write(`airlock-gateway: ${(thrown as Error).message}\n`);
    process.exit(1);
  }
};
