/**
 * The server's process.
 *
 * UPSTREAM-2  The argv as it was ordered, no shell, and an environment of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Order } from './order.js';

/** What a program needs to run at all. Its variables and secrets come on top, and cannot be overruled by these. */
const baseEnv = (home: string): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: home,
  TMPDIR: home,
  LANG: 'C.UTF-8',
});

/** The socket becomes the server's standard input and output itself; nothing of it passes through here. */
export const startChild = ({ argv, env, cwd }: Order, stdio: Socket, home: string): ChildProcess => {
  const [file = '', ...args] = argv;
  // A group of its own: where no unit kills what is left, one signal does.
  return spawn(file, args, {
    cwd: cwd ?? home,
    env: { ...baseEnv(home), ...env },
    stdio: [stdio, stdio, 'pipe'],
    detached: true,
  });
};

/** Kills the server and what it started in its group; in the unit systemd kills the rest. */
export const killChild = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
};
