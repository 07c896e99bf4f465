/** Commands of the system that change it: for root, on a machine that install.sh set up. */
import { AirlockError } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { DEFAULTS, type Context } from './context.js';

export const UNIT_DIR = '/etc/systemd/system';

/** Installed with systemd, as opposed to the development launcher. */
export const isInstalled = (context: Pick<Context, 'runtimeDir'>): boolean => context.runtimeDir === DEFAULTS.run;

/** @throws AirlockError UNAVAILABLE with the command to run instead */
export const needRoot = (): void => {
  if (process.getuid?.() === 0) return;
  throw new AirlockError('UNAVAILABLE', 'this needs root', { hint: `sudo airlock-ctl ${process.argv.slice(2).join(' ')}` });
};

/** @throws AirlockError UNAVAILABLE in a development instance, where nothing of the system is ours to change */
export const needInstallation = (context: Context, instead: string): void => {
  if (isInstalled(context)) return;
  throw new AirlockError('UNAVAILABLE', 'this is a development instance, which changes nothing of the system', { hint: instead });
};

/** Runs a command of the system; its own words are in the error. */
export const system = (command: string, ...args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new AirlockError('INTERNAL', `${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`, {
    hint: 'airlock-ctl doctor',
  });
};
