/**
 * The main thread of a cell: its one connection, and how it ends.
 *
 * CELL-1  A slot serves one connection: the listening socket is closed in the connection handler, the process
 *         exits at the connection's end.
 *
 * CELL-10  What nobody caught ends the process without its text: a stack or a message may hold the credential.
 * CELL-11  SIGTERM keeps its default action, which needs no thread of ours: it ends a stuck cell as well.
 *
 * Node has no prctl(2): that the process cannot be dumped or traced is up to its unit (LimitCORE=0, own user).
 */
import { serveSocket, takeActivatedSockets, type SocketServer } from '@airlock/ipc';
import { systemTimers, type Clock } from '@airlock/protocol';
import { CELL_LIMITS, EXIT } from './limits.js';
import { CellState, cellMethods } from './methods.js';
import type { OpenOptions } from './open.js';
import { kill } from './kill.js';
import { startWatchdog } from './watchdog-thread.js';

export interface CellOptions {
  /** `import.meta.url` of the entry point; that of the watchdog lies beside it. */
  readonly entry: string;
  readonly clock: Clock;
}

const DEFAULT_RUNTIME_DIR = '/run/airlock';
const DEFAULT_CONNECTORS = '/usr/lib/airlock/connectors:/etc/airlock/connectors';

const say = (text: string): void => {
  process.stderr.write(`airlock-cell: ${text}\n`);
};

const connectorDirectories = (env: NodeJS.ProcessEnv): string[] =>
  (env['AIRLOCK_CONNECTORS'] ?? DEFAULT_CONNECTORS).split(':').filter((directory) => directory !== '');

/** CELL-10 */
const exitOnTheUnexpected = (): void => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, () => {
      say(`ended by an ${event === 'uncaughtException' ? 'exception' : 'unhandled rejection'}; its text is withheld`);
      process.exit(EXIT.unexpected);
    });
  }
};

/** The unit names the slot. */
const hostSocketOf = (runtimeDir: string, slot: string | undefined): string | null =>
  slot !== undefined && /^[0-9]{1,4}$/.test(slot) ? `${runtimeDir}/mcp/${slot}.sock` : null;

/** The descriptor systemd or the launcher passed. @throws Error where there is none. */
const activatedSocket = (env: NodeJS.ProcessEnv): number => {
  const sockets = takeActivatedSockets(env);
  const fd = sockets.get('cell');
  if (fd === undefined || sockets.size !== 1) throw new Error('exactly one activated socket, called cell, is needed');
  return fd;
};

/** Serves one connection and exits with it (CELL-1). */
const serveOne = async (fd: number, options: OpenOptions): Promise<void> => {
  const server: SocketServer<CellState> = await serveSocket<CellState>({
    fd,
    name: 'cell',
    table: cellMethods(options, systemTimers),
    limits: { idleTimeoutMs: CELL_LIMITS.idleTimeoutMs },
    allowHalfOpen: false,
    open: () => {
      server.stopListening();
      return new CellState();
    },
    onClose: () => process.exit(EXIT.done),
  });
};

/** airlock-cell.cjs → airlock-cell-watchdog.cjs, main.js → main-watchdog.js. */
const watchdogOf = (entry: string): URL => new URL(entry.replace(/(?=\.c?js$)/, '-watchdog'));

/** Serves until the connection ends. @throws Error where there is no socket to serve. */
const serve = async ({ entry, clock }: CellOptions): Promise<void> => {
  exitOnTheUnexpected();
  const fd = activatedSocket(process.env);
  const runtimeDir = process.env['AIRLOCK_RUNTIME_DIR'] ?? DEFAULT_RUNTIME_DIR;
  const releaseSocket = `${runtimeDir}/release.sock`;
  const watchdog = startWatchdog({ program: watchdogOf(entry), releaseSocket, onLost: kill });
  await serveOne(fd, {
    connectorDirectories: connectorDirectories(process.env),
    clock,
    hostSocket: hostSocketOf(runtimeDir, process.env['AIRLOCK_SLOT']),
    release: (order) => watchdog.release(order),
  });
};

/** Runs a cell; ends by ending the process. */
export const runCell = (options: CellOptions): void => {
  serve(options).catch((thrown: unknown) => {
    say(thrown instanceof Error ? thrown.message : 'not started');
    process.exit(EXIT.notStarted);
  });
};
