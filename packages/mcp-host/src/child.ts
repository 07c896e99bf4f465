/**
 * The server's process.
 *
 * UPSTREAM-2  The argv as it was ordered, no shell, and an environment of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Order } from './order.js';

/** What a program needs to run at all. Its variables and secrets come on top, and cannot be overruled by these. */
const BASE_ENV = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/tmp',
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
} as const;

/** The socket becomes the server's standard input and output itself; nothing of it passes through here. */
export const startChild = ({ argv, env, cwd }: Order, stdio: Socket): ChildProcess => {
  const [file = '', ...args] = argv;
  // A group of its own: where no unit kills what is left, one signal does.
  return spawn(file, args, { cwd, env: { ...BASE_ENV, ...env }, stdio: [stdio, stdio, 'pipe'], detached: true });
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
