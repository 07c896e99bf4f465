/** path allow|list|revoke: a maildir or a calendar file of an operator, made readable for cells (root). */
import { AirlockError } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findAccount, groupId } from '../accounts.js';
import type { Context } from '../context.js';
import { print, table } from '../output.js';
import { inspectPath } from '../paths/inspect.js';
import { newName, PATHS_ROOT, placeOf, readPaths, writePaths, type AllowedPath } from '../paths/registry.js';
import { ACCESS, unitsOf } from '../paths/units.js';
import { needInstallation, needRoot, system, UNIT_DIR } from '../system.js';
import type { Command, Invocation } from './command.js';
import { readRoles } from './role.js';

const SETFACL = '/usr/bin/setfacl';
const GROUP = 'airlock-cells';
const MAX_FOLDERS = 200;

/** Where mail arrives: cur and new of the maildir and of its folders. */
const arrivalsOf = ({ path, kind }: AllowedPath): readonly string[] => {
  if (kind === 'ics') return [];
  const folders = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith('.'))
    .map(({ name }) => join(path, name));
  const isPlain = (folder: string): boolean => /^[\w@+=:,./ -]+$/.test(folder);
  return [path, ...folders.filter(isPlain).slice(0, MAX_FOLDERS)].flatMap((folder) => [join(folder, 'cur'), join(folder, 'new')]);
};

const own = (folder: string, uid: number, gid: number, mode: number): void => {
  chownSync(folder, uid, gid);
  chmodSync(folder, mode);
};

const makePlace = ({ name, kind, owner }: AllowedPath): void => {
  const gid = groupId(GROUP) ?? 0;
  const place = join(PATHS_ROOT, name);
  const isNew = mkdirSync(place, { recursive: true }) !== undefined;
  own(PATHS_ROOT, 0, gid, 0o750);
  if (kind === 'ics') own(place, findAccount(owner)?.uid ?? 0, gid, 0o2750);
  // One that was there may have the mail mounted on it.
  else if (isNew) own(place, 0, gid, 0o750);
};

/** As the owner, so that a link put in its place leads nowhere the owner could not go. */
const asOwner = ({ owner, path }: AllowedPath, ...change: readonly string[]): void =>
  system('runuser', '-u', owner, '--', SETFACL, '--recursive', '--physical', ...change, '--', path);

const start = (allowed: AllowedPath): void => {
  if (allowed.kind === 'maildir') asOwner(allowed, '--modify', ACCESS);
  const units = unitsOf(allowed, arrivalsOf(allowed));
  for (const { name, text } of units) writeFileSync(join(UNIT_DIR, name), text, { mode: 0o644 });
  system('systemctl', 'daemon-reload');
  const [job, ...others] = units.map(({ name }) => name);
  system('systemctl', 'start', job ?? '');
  system('systemctl', 'enable', '--quiet', '--now', ...others);
};

const needAcl = ({ kind }: Pick<AllowedPath, 'kind'>): void => {
  if (kind !== 'maildir' || existsSync(SETFACL)) return;
  throw new AirlockError('UNAVAILABLE', `${SETFACL} is not installed`, { hint: 'sudo apt-get install acl, then the same again' });
};

const INSTEAD = 'cells of a development instance read what you can read: nothing has to be allowed';

const allow = (context: Context, { args }: Invocation): void => {
  needRoot();
  needInstallation(context, INSTEAD);
  const path = resolve(args[0] ?? '');
  const paths = readPaths(context.configDir);
  const found = inspectPath(path, readRoles(context).operators);
  needAcl(found);
  const present = paths.find((one) => one.path === path);
  const allowed = present ?? { ...found, name: newName(paths, found.owner, path) };
  // Written first: what is half done can be revoked.
  if (!present) writePaths(context.configDir, [...paths, allowed]);
  makePlace(allowed);
  start(allowed);
  print(
    context,
    { ...allowed, place: placeOf(allowed) },
    `cells can read ${path} (as ${placeOf(allowed)}), and nothing beside it\nnext, as ${allowed.owner}: airlock-ctl service add ${allowed.kind} --set path=${path}`,
  );
};

const end = (allowed: AllowedPath): void => {
  const names = unitsOf(allowed, []).map(({ name }) => name);
  spawnSync('systemctl', ['disable', '--quiet', '--now', ...names]);
  for (const name of names) rmSync(join(UNIT_DIR, name), { force: true });
  if (allowed.kind === 'maildir' && existsSync(SETFACL) && existsSync(allowed.path))
    asOwner(allowed, '--remove', `g:${GROUP},d:g:${GROUP}`);
  // Not recursive for a maildir: were it still mounted, this would be the mail itself.
  const place = join(PATHS_ROOT, allowed.name);
  if (allowed.kind === 'ics') rmSync(place, { recursive: true, force: true });
  else spawnSync('rmdir', [place]);
};

const revoke = (context: Context, { args, options }: Invocation): void => {
  needRoot();
  needInstallation(context, INSTEAD);
  const paths = readPaths(context.configDir);
  const path = args[0] === undefined ? null : resolve(args[0]);
  const gone = options['all'] === true ? paths : paths.filter((one) => one.path === path);
  if (gone.length === 0 && options['all'] !== true) {
    throw new AirlockError('NOT_FOUND', `${path ?? 'nothing'} is not allowed`, {
      field: 'PATH',
      expected: paths.map((one) => one.path).join(', ') || 'none is allowed',
      found: path ?? 'nothing',
      hint: 'list them: airlock-ctl path list',
    });
  }
  for (const one of gone) end(one);
  system('systemctl', 'daemon-reload');
  writePaths(
    context.configDir,
    paths.filter((one) => !gone.includes(one)),
  );
  print(
    context,
    { revoked: gone.map((one) => one.path) },
    gone.length === 0
      ? 'no path was allowed'
      : `cells cannot read ${gone.map((one) => one.path).join(', ')} any more; services that lead there stay and fail`,
  );
};

const list = (context: Context): void => {
  const rows = readPaths(context.configDir).map((one) => ({ ...one, place: placeOf(one) }));
  const text = table(
    ['path', 'kind', 'owner', 'cells see'],
    rows.map((one) => [one.path, one.kind, one.owner, one.place]),
  );
  print(context, rows, rows.length === 0 ? 'no path is allowed; allow one: sudo airlock-ctl path allow PATH' : text);
};

export const PATH_COMMANDS: readonly Command[] = [
  {
    name: 'path allow',
    args: '<path>',
    summary: 'let cells read a maildir or an .ics file of an operator, and nothing else (root)',
    run: allow,
  },
  { name: 'path list', summary: 'what is allowed, and where cells see it', run: list },
  {
    name: 'path revoke',
    args: '[path]',
    summary: 'take that back (root)',
    flags: [{ flags: '--all', summary: 'every path' }],
    run: revoke,
  },
];
