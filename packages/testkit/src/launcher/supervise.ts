/** Keeps one program running on its sockets, as systemd's `Restart=always` does. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { BoundSocket } from './sockets.js';

export interface Program {
  readonly name: string;
  readonly bundle: string;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly sockets: readonly BoundSocket[];
  /** Called before each start. */
  readonly prepare?: () => void;
}

export interface Supervised {
  /** Of the process running now; undefined between two. */
  pid(): number | undefined;
  stop(): Promise<void>;
}

/** A program that dies at once must not spin: systemd's RestartSec of 100 ms. */
const RESTART_DELAY_MS = 100;
/** What a program gets to end by itself before SIGKILL. */
const STOP_TIMEOUT_MS = 3000;

const start = (program: Program): ChildProcess => {
  program.prepare?.();
  // stdin is a pipe that ends with the launcher: a program whose launcher was killed ends too.
  return spawn(process.execPath, [...program.flags, program.bundle], {
    stdio: ['pipe', 2, 2, ...program.sockets.map(({ handle }) => handle as unknown as number)],
    env: {
      ...program.env,
      LISTEN_FDS: String(program.sockets.length),
      LISTEN_FDNAMES: program.sockets.map(({ name }) => name).join(':'),
    },
  });
};

/** @param restarted called with the pid of each process after the first */
export const supervise = (program: Program, restarted: (pid: number) => void, delayMs = RESTART_DELAY_MS): Supervised => {
  let child: ChildProcess;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  const run = (): void => {
    child = start(program);
    child.on('error', (error) => process.stderr.write(`airlock: error: ${program.name}: ${error.message}\n`));
    child.on('exit', () => {
      if (!stopping) timer = setTimeout(again, delayMs);
    });
  };
  const again = (): void => {
    run();
    if (child.pid !== undefined) restarted(child.pid);
  };
  run();
  return {
    pid: () => (child.exitCode === null && child.signalCode === null ? child.pid : undefined),
    stop: async () => {
      stopping = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null) return;
      await new Promise<void>((resolve) => {
        const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        child.once('exit', () => {
          clearTimeout(kill);
          resolve();
        });
        child.kill('SIGTERM');
      });
    },
  };
};
