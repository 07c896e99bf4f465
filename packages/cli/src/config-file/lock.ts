/** One process at a time edits a file: FILE.airlock-lock, made with its holder in it; that of a process which is gone is taken away. */
import { AirlockError, type Timers } from '@airlock/client';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { codeOf, explained } from './read.js';

const RETRY_MS = 25;
const PATIENCE_MS = 10_000;
/** Process, host and token. */
const MAX_BYTES = 1024;

/** Who this is, and who is alive. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  isAlive(pid: number): boolean;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH';
  }
};

export const thisProcess = (): Holder => ({ pid: process.pid, host: hostname(), isAlive });

/** null for what is none of ours: a link, a pipe or a device, which a directory of others may hold, is not waited for. */
const readLock = (path: string): string | null => {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const stat = fstatSync(fd);
      return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : null;
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
};

const remove = (path: string): void => {
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  }
};

/** Whole from the first moment on: written beside it, then linked, which fails where there is one. */
const take = (path: string, text: string, draft: string): boolean => {
  writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false;
    throw thrown;
  } finally {
    remove(draft);
  }
};

/** Takes away what a killed process left. If another was quicker and it is a living lock, it is put back. */
const clear = (path: string, held: string, draft: string): void => {
  try {
    renameSync(path, draft);
    if (readLock(draft) !== held) linkSync(draft, path);
  } catch (thrown) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(thrown) ?? '')) throw thrown;
  } finally {
    remove(draft);
  }
};

const isLeft = (held: string, holder: Holder): boolean => {
  const [pid = '', where = ''] = held.split(' ');
  return where === holder.host && !holder.isAlive(Number(pid));
};

/** Of processes that were killed between writing and linking. Those of others who wait are left alone. */
const removeLeft = (path: string, holder: Holder): void => {
  for (const name of readdirSync(dirname(path))) {
    const held = name.startsWith(`${basename(path)}-`) ? readLock(join(dirname(path), name)) : null;
    if (held !== null && isLeft(held, holder)) remove(join(dirname(path), name));
  }
};

const busy = (path: string): AirlockError =>
  new AirlockError('UNAVAILABLE', `${path} is held by another airlock`, {
    hint: `nothing was written; wait for it, or if there is none: rm ${path}`,
  });

const pause = (timers: Timers): Promise<void> => new Promise((resolve) => timers.after(RETRY_MS, resolve));

/** Runs `work` while this process alone has the lock of `file`. @throws AirlockError UNAVAILABLE after 10 s */
export const withLock = async <T>(
  file: string,
  work: () => T,
  { timers, holder, token }: { readonly timers: Timers; readonly holder: Holder; readonly token: string },
): Promise<T> => {
  const path = `${file}.airlock-lock`;
  const draft = `${path}-${token}`;
  const text = `${holder.pid} ${holder.host} ${token}`;
  const startMs = timers.nowMs();
  while (!explained(path, () => take(path, text, draft))) {
    const held = readLock(path);
    if (held !== null && isLeft(held, holder)) clear(path, held, draft);
    else if (timers.nowMs() - startMs > PATIENCE_MS) throw busy(path);
    else await pause(timers);
  }
  try {
    removeLeft(path, holder);
    return work();
  } finally {
    if (readLock(path) === text) remove(path);
  }
};
