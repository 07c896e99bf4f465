/** Files that hold secrets: read only where nobody but their owner can, and the owner is whoever runs this, or called sudo. */
import { AirlockError } from '@airlock/protocol';
import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';

const MAX_BYTES = 256 * 1024;

const refuse = (path: string, found: string, expected: string, hint: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${path}: found ${found}, allowed: ${expected}`, { field: path, expected, found, hint });

const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);

const open = (path: string): number => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP')
      throw refuse(path, 'a symbolic link', 'the file itself', `name the file itself: readlink -f ${quoted(path)}`);
    throw refuse(path, code === 'ENOENT' ? 'no such file' : 'a file that cannot be opened', 'a file', `ls -l ${quoted(path)}`);
  }
};

/**
 * The text of a file, checked as it was opened.
 * @param owners user ids that it may belong to
 * @throws AirlockError PARAMS_INVALID naming the file and the command that mends it
 */
export const readPrivate = (path: string, owners: readonly number[]): string => {
  const fd = open(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refuse(path, 'no ordinary file', 'a file', `ls -l ${quoted(path)}`);
    if (!owners.includes(stat.uid))
      throw refuse(path, `a file of uid ${stat.uid}`, `one of uid ${owners.join(' or ')}`, `sudo chown root: ${quoted(path)}`);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw refuse(path, `mode ${mode}: others can read or change it`, 'mode 0600', `chmod 600 ${quoted(path)}`);
    }
    if (stat.size > MAX_BYTES) throw refuse(path, `${stat.size} bytes`, `at most ${MAX_BYTES}`, 'give the right file');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
};

/** Writes a new file that only its owner can read. @throws AirlockError PARAMS_INVALID where it exists already */
export const writePrivate = (path: string, content: string): void => {
  try {
    writeFileSync(path, content, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const found =
      (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'a file that is there already' : 'a place that cannot be written';
    throw refuse(path, found, 'a new file', `name a new file, or move the old one: mv ${quoted(path)} ${quoted(`${path}.old`)}`);
  }
};

/** Who may own what is read here: the effective user, and who called sudo. */
export const trustedOwners = (env: NodeJS.ProcessEnv): readonly number[] => {
  const own = process.getuid?.() ?? 0;
  const caller = Number(env['SUDO_UID']);
  return own === 0 && Number.isInteger(caller) && caller > 0 ? [own, caller] : [own];
};
