/**
 * An append-only file of JSON lines that has to survive a kill of this process, not of the machine: a reboot ends
 * all leases, so nothing is synced. A file of another boot is begun anew.
 */
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import { readPrivateFile, removeFile, writeWhole } from './files.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Lines beyond twice the living ones after which the file is written anew. */
const SLACK_LINES = 4096;
const PRIVATE_FILE = 0o600;

/** None: the last line of a write that was cut, or what is no object. */
const parseLine = (line: string): object[] => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
};

/** Lines of this boot; none where the file is of another one. */
const readLines = (path: string, bootId: string): object[] => {
  const [first = '', ...rest] = (readPrivateFile(path) ?? '').split('\n');
  const [head] = parseLine(first) as { boot?: unknown }[];
  return head?.boot === bootId ? rest.flatMap(parseLine) : [];
};

export class LedgerFile {
  /** null: kept in memory only, where the state cannot be used and nothing is served. */
  readonly #path: string | null;
  readonly #bootId: string;
  /** Living entries, asked for when the file is written anew. */
  readonly #living: () => readonly object[];
  #fd = -1;
  #lines = 0;
  #maxLines = 0;

  /** @throws AirlockError VAULT_UNREADABLE where the file is not ours. */
  constructor(path: string | null, bootId: string, take: (entry: object) => void, living: () => readonly object[]) {
    this.#path = path;
    this.#bootId = bootId;
    this.#living = living;
    if (path === null) return;
    for (const entry of readLines(path, bootId)) take(entry);
    this.#rewrite(path);
  }

  /** In the kernel's hands on return, so a kill of this process does not lose it. */
  append(entry: object): void {
    if (this.#path === null) return;
    writeWhole(this.#fd, `${JSON.stringify(entry)}\n`);
    this.#lines += 1;
    if (this.#lines > this.#maxLines) this.#rewrite(this.#path);
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #rewrite(path: string): void {
    const entries = this.#living();
    const text = [{ boot: this.#bootId }, ...entries].map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const temporary = `${path}.tmp`;
    removeFile(temporary);
    const fd = openSync(temporary, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_FILE);
    writeWhole(fd, text);
    renameSync(temporary, path);
    this.close();
    this.#fd = fd;
    this.#lines = entries.length;
    this.#maxLines = 2 * entries.length + SLACK_LINES;
  }
}
