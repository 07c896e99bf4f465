/** The program, in its two forms: it watches, or it freezes once before the machine sleeps. */
import { COMPILED_CONFIG_FILE, parseCompiledConfig, systemTimers, type PresenceConfig } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sights } from './sights.js';
import { freezeForSleep, Teller } from './teller.js';
import { Watcher } from './watcher.js';

/** Uid → operators. */
export type Owners = ReadonlyMap<number, readonly string[]>;

const report = (message: string): void => void process.stderr.write(`airlock-presence: ${message}\n`);

const isWanted = ({ mode, freezeOn }: PresenceConfig): boolean => mode === 'required' || (mode === 'auto' && freezeOn.length > 0);

/** @param owners which accounts belong to which of these operators; read anew each time, as an account may be added */
export const start = async (
  env: NodeJS.ProcessEnv,
  argument: string | undefined,
  owners: (of: readonly string[]) => Owners,
): Promise<void> => {
  const configDir = env['AIRLOCK_CONFIG_DIR'] ?? '/etc/airlock';
  const socket = join(env['AIRLOCK_RUNTIME_DIR'] ?? '/run/airlock', 'presence.sock');
  const { presence, operators } = parseCompiledConfig(JSON.parse(readFileSync(join(configDir, COMPILED_CONFIG_FILE), 'utf8')));
  if (!isWanted(presence)) return report('presence is off in airlock.yaml');
  if (argument === 'sleep') return freezeForSleep(socket);
  if (argument !== undefined) throw new Error(`unknown argument ${argument.slice(0, 40)}: allowed is sleep, or none`);
  const sights = new Sights(operators, () => performance.now());
  const teller = new Teller(socket, sights, systemTimers, report);
  const address = env['DBUS_SYSTEM_BUS_ADDRESS'] ?? 'unix:path=/run/dbus/system_bus_socket';
  new Watcher({ address, sights, teller, timers: systemTimers, owners: () => owners(operators), log: report }).start();
};

/** Runs it; what goes wrong is said, and is the exit status. */
export const run = (owners: (of: readonly string[]) => Owners): void => {
  process.once('SIGTERM', () => process.exit(0));
  start(process.env, process.argv[2], owners).then(
    () => {
      if (process.argv[2] !== undefined) process.exit(0);
    },
    (thrown: unknown) => {
      report(`error: ${thrown instanceof Error ? thrown.message : 'cannot start'}`);
      process.exit(1);
    },
  );
};
