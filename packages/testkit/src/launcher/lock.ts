/** One launcher a directory: a second one would take the sockets of the first and find its logs in use. */
import { AirlockError } from '@airlock/protocol';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'launcher.pid';

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

/** A pid that was given to another program since is no launcher. */
const isLauncher = (pid: number): boolean => readOr(`/proc/${pid}/cmdline`, '').includes('dev.js');

/** @returns what gives the directory back. @throws AirlockError UNAVAILABLE naming the launcher that has it */
export const lockDirectory = (dir: string): (() => void) => {
  const path = join(dir, FILE);
  const pid = Number(readOr(path, '0'));
  if (pid !== process.pid && isLauncher(pid)) {
    throw new AirlockError('UNAVAILABLE', `${dir} is in use by the launcher with pid ${pid}`, {
      hint: `kill ${pid}, or choose another --dir`,
    });
  }
  writeFileSync(path, String(process.pid), { mode: 0o600 });
  return () => rmSync(path, { force: true });
};
