/** What stands on the disk of a daemon, one path at a time, changed while the daemon is down and put back after. */
import { connectSocket } from '@airlock/ipc';
import { sha256Hex } from '@airlock/protocol';
import { restartWith, until, type Running } from '@airlock/testkit';
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export type Daemon = 'airlock-totp' | 'airlock-gateway';

export interface Seen {
  /** The reason for which the daemon is sealed, or null. */
  readonly sealed: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Code of it. */
  readonly code: string | null;
}

export const stateDir = (running: Running, daemon: Daemon): string =>
  join(running.env['AIRLOCK_STATE_DIR'] ?? '', daemon.replace('airlock-', ''));

const isMade = (name: string): boolean => /(^|\/)(\.lock|\.reserve|.*\.tmp)$/.test(name);

/** Files and directories below a daemon's state, relative, without what it makes anew at each start. */
export const statePaths = (running: Running, daemon: Daemon): { files: string[]; directories: string[] } => {
  const base = stateDir(running, daemon);
  const entries = readdirSync(base, { recursive: true, withFileTypes: true }).map((entry) => ({
    name: relative(base, join(entry.parentPath, entry.name)),
    isFile: entry.isFile(),
    isDirectory: entry.isDirectory(),
  }));
  return {
    files: entries.filter(({ name, isFile }) => isFile && !isMade(name)).map(({ name }) => name),
    directories: entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name),
  };
};

const SOCKETS: Readonly<Record<Daemon, string>> = { 'airlock-totp': 'approve/default', 'airlock-gateway': 'operator/default' };

const look = async (running: Running, daemon: Daemon): Promise<Seen> => {
  const link = await connectSocket(running.sockets[SOCKETS[daemon]] ?? '');
  const { sealed } = (await link.call('status', {})) as Pick<Seen, 'sealed'>;
  link.close();
  return { sealed, code: sealed?.code ?? null };
};

/** A copy of the state to go back to, and starts of the daemon on a changed one. */
export class Disk {
  readonly #running: Running;
  readonly #daemon: Daemon;
  readonly #copy: string;

  constructor(running: Running, daemon: Daemon) {
    this.#running = running;
    this.#daemon = daemon;
    this.#copy = join(running.dir, `copy-of-${daemon}`);
  }

  get base(): string {
    return stateDir(this.#running, this.#daemon);
  }

  /** Restarts once with nothing changed, and keeps what was there. */
  async keep(): Promise<Seen> {
    await restartWith(this.#running, this.#daemon, () => {
      rmSync(this.#copy, { recursive: true, force: true });
      cpSync(this.base, this.#copy, { recursive: true, preserveTimestamps: true });
    });
    return look(this.#running, this.#daemon);
  }

  /** Everything as it was kept, but for `change`; then the next start. */
  async startOn(change: () => void): Promise<Seen> {
    await restartWith(this.#running, this.#daemon, () => {
      this.restore();
      change();
    });
    return look(this.#running, this.#daemon);
  }

  restore(): void {
    rmSync(this.base, { recursive: true, force: true });
    cpSync(this.#copy, this.base, { recursive: true, preserveTimestamps: true });
  }
}

/** Type, mode and content, to see that something was left alone. */
export const imprint = (path: string): string => {
  if (!existsSync(path)) return 'missing';
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return `link ${statSync(path).size}`;
  if (stat.isDirectory()) return `directory ${readdirSync(path).sort().join()}`;
  return `file ${stat.mode.toString(8)} ${sha256Hex(readFileSync(path))}`;
};

/** How many records stand in a log; null while its directory is set aside for another. */
const countRecords = (dir: string): number | null => {
  try {
    const segments = readdirSync(dir).filter((file) => file.endsWith('.jsonl'));
    return segments.flatMap((file) => readFileSync(join(dir, file), 'utf8').split('\n').slice(0, -1)).length;
  } catch {
    return null;
  }
};

/** What no head covers yet can be cut off (audit.md "What this does not do"); a head comes once a second. */
export const untilSigned = async (running: Running, daemon: Daemon): Promise<void> => {
  const dir = join(stateDir(running, daemon), 'audit');
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  await until('a head over all records', async () => {
    const { heads } = (await link.call('heads', {})) as { heads: string[] };
    const [, size] = heads.find((head) => head.startsWith(`${daemon}\n`))?.split('\n') ?? [];
    const records = countRecords(dir);
    // The gateway's log carries the head itself as its next record.
    return records !== null && records - Number(size) <= (daemon === 'airlock-gateway' ? 1 : 0);
  });
  link.close();
};
