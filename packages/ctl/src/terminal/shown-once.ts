/** What is printed once and is nowhere else: lost where nothing takes it, or nobody reads it. */
import { AirlockError } from '@airlock/protocol';
import { fstatSync, statSync } from 'node:fs';

const STDOUT = 1;

/** Where a process was started without a stdout, Node has put the null device there. */
const isNull = (fd: number): boolean => {
  const stat = fstatSync(fd);
  return stat.isCharacterDevice() && stat.rdev === statSync('/dev/null').rdev;
};

/** @param what is to be printed @throws AirlockError PARAMS_INVALID where stdout is closed or the null device */
export const requireReader = (what: string, fd = STDOUT): void => {
  if (!isNull(fd)) return;
  throw new AirlockError('PARAMS_INVALID', `${what} is printed once, and stdout is closed or /dev/null`, {
    field: 'stdout',
    expected: 'a terminal, a pipe or a file',
    found: 'closed or /dev/null',
    hint: 'run it at a terminal, or let a program read its stdout',
  });
};

/** From here on a stdout that cannot be written ends the command as an error. @param lost says so, for stderr @returns what ends this */
export const endUnread = (lost: (code: string) => string): (() => void) => {
  const onError = ({ code = 'unknown' }: NodeJS.ErrnoException): void => {
    process.stderr.write(`${lost(code)}\n`);
    process.exit(1);
  };
  process.stdout.prependListener('error', onError);
  return () => void process.stdout.removeListener('error', onError);
};
