/**
 * What may be shared with cells: one maildir or one .ics file of an operator, and nothing that leads elsewhere.
 *
 * PATH-1  no symbolic link in the path, nothing that others can write on the way to it, no directory of secrets or of the system.
 * PATH-2  a directory has to be a maildir, a file has to begin as iCalendar does.
 */
import { AirlockError } from '@airlock/protocol';
import { closeSync, constants, lstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { findAccount } from '../accounts.js';
import type { AllowedPath } from './registry.js';

/** Directories that hold keys and sessions, wherever they are. */
const SECRET_NAMES = new Set([
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.config', '.password-store', '.pki', '.netrc', '.mozilla'],
  ...['.cache', '.git', 'keyrings', '.airlock'],
]);
const SYSTEM = [
  '/etc',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/boot',
  '/dev',
  '/proc',
  '/sys',
  '/run',
  '/root',
  '/var/lib',
  '/srv/airlock',
];

const refuse = (path: string, found: string, expected: string, hint: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${path}: found ${found}, allowed: ${expected}`, { field: 'PATH', found, expected, hint });

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** What can be said of a path without looking at the disk (PATH-1). @throws AirlockError PARAMS_INVALID */
export const checkPlace = (path: string): void => {
  const expected = 'the absolute path of a maildir or an .ics file';
  const hint = 'sudo airlock-ctl path allow /home/YOU/Maildir';
  const isPlain = path.startsWith('/') && normalize(path) === path && (path === '/' || !path.endsWith('/'));
  if (!isPlain || /[^ -~\u00a0-\uffff]|["'\\%$\n]/.test(path)) throw refuse(path, 'no plain absolute path', expected, hint);
  if (path === '/' || /^\/home(\/[^/]+)?$/.test(path)) throw refuse(path, 'a whole home, or more', `${expected} below it`, hint);
  const system = SYSTEM.find((folder) => isBelow(path, folder));
  if (system !== undefined) throw refuse(path, `a place below ${system}`, `${expected} of a user`, hint);
  const secret = path.split('/').find((part) => SECRET_NAMES.has(part));
  if (secret !== undefined) throw refuse(path, `a place below ${secret}, where secrets are kept`, expected, hint);
};

const checkWay = (path: string): void => {
  for (let at = path; ; at = dirname(at)) {
    const stat = lstatSync(at);
    const isSticky = (stat.mode & 0o1000) !== 0 && at !== path;
    if ((stat.mode & 0o022) !== 0 && !isSticky)
      throw refuse(path, `${at}, which others can write`, 'a path that only its owner can change', `chmod go-w '${at}'`);
    if (at === '/') return;
  }
};

const head = (path: string): string => {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(64);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
};

/** PATH-2. */
const kindOf = (path: string): AllowedPath['kind'] => {
  const stat = lstatSync(path);
  if (stat.isFile() && /^(\u00ef\u00bb\u00bf)?BEGIN:VCALENDAR\r?\n/i.test(head(path))) return 'ics';
  const isFolder = (name: string): boolean => lstatSync(join(path, name), { throwIfNoEntry: false })?.isDirectory() === true;
  if (stat.isDirectory() && ['cur', 'new', 'tmp'].every(isFolder)) return 'maildir';
  throw refuse(
    path,
    'neither',
    'a maildir (with cur, new and tmp) or an iCalendar file',
    'name the maildir itself, or the .ics file',
  );
};

const ownerOf = (path: string, operators: readonly string[]): string => {
  const { uid } = lstatSync(path);
  const owner = findAccount(String(uid))?.user ?? `uid ${uid}`;
  if (operators.includes(owner)) return owner;
  throw refuse(
    path,
    `what belongs to ${owner}`,
    `a path of ${operators.join(' or ')}`,
    'only what belongs to an operator can be shared',
  );
};

/** @throws AirlockError PARAMS_INVALID naming what is in the way */
export const inspectPath = (path: string, operators: readonly string[]): Pick<AllowedPath, 'path' | 'owner' | 'kind'> => {
  checkPlace(path);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    throw refuse(path, 'nothing there', 'a maildir or an .ics file', `ls -ld '${path}'`);
  const real = realpathSync(path);
  if (real !== path)
    throw refuse(path, 'a symbolic link in it', 'the path without links', `sudo airlock-ctl path allow '${real}'`);
  checkWay(path);
  return { path, owner: ownerOf(path, operators), kind: kindOf(path) };
};
