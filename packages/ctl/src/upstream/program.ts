/** The command of an upstream MCP server as an operator types it, turned into a program that can be sealed: absolute, and root's. */
import { AirlockError, canonicalProgram } from '@airlock/protocol';
import { accessSync, closeSync, constants, existsSync, lstatSync, openSync, readSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Context } from '../context.js';
import { isInstalled } from '../system.js';
import { codeFiles, type Looks } from './code-files.js';
import { findPackage, programOf } from './packages.js';

/** Node as install.sh copied it; agents cannot write it. */
const INSTALLED_NODE = '/usr/lib/airlock/node';
const SEARCHED = ['/usr/local/bin', '/usr/bin', '/bin'];
/** What the unit of a server shows empty, whatever the modes are. */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

const bad = (message: string, expected: string, found: string, hint: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, { field: 'COMMAND', expected, found, hint });

const nodeOf = (context: Context): string => (isInstalled(context) ? INSTALLED_NODE : process.execPath);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const headOf = (path: string): string => {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(256);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
};

/** A script for Node is run by the Node that Airlock brings; anything else by itself. */
const runnable = (context: Context, path: string): readonly string[] => {
  const shebang = /^#!.*/.exec(headOf(path))?.[0] ?? '';
  const isNode = shebang === '' ? /\.[cm]?js$/.test(path) : /\bnode\b/.test(shebang);
  return isNode ? [nodeOf(context), path] : [path];
};

/** `npx [-y] [-p PACKAGE] NAME args…`. */
const fromNpx = (context: Context, words: readonly string[]): readonly string[] => {
  let [wanted, at]: [string | null, number] = [null, 0];
  for (; (words[at] ?? '').startsWith('-'); at += 1) {
    const word = words[at] ?? '';
    if (word === '-y' || word === '--yes') continue;
    const next = words[at + 1];
    if ((word !== '-p' && word !== '--package') || next === undefined)
      throw bad(`npx ${word} is not understood here`, '-y, -p PACKAGE', word, 'npx NAME ARGUMENTS…');
    [wanted, at] = [next, at + 1];
  }
  const [first, ...rest] = words.slice(at);
  if (first === undefined)
    throw bad('npx names no package', 'npx NAME', 'nothing', 'airlock-ctl service add mcp --name NAME -- npx PACKAGE');
  const program = programOf(findPackage(context, wanted ?? first), wanted === null ? null : first);
  return [...runnable(context, program), ...rest];
};

const findProgram = (name: string): string => {
  const path = SEARCHED.map((folder) => join(folder, name)).find(isExecutable);
  if (path !== undefined) return realpathSync(path);
  throw bad(
    `there is no program ${name}`,
    `a program in ${SEARCHED.join(', ')}, an absolute path, or npx PACKAGE`,
    name,
    'name it by its absolute path',
  );
};

const fromWords = (context: Context, [first = '', ...rest]: readonly string[]): readonly string[] => {
  if (first === 'npx') return fromNpx(context, rest);
  if (first === 'node') {
    const [script = '', ...more] = rest;
    if (!isAbsolute(script))
      throw bad('node needs the absolute path of a script', 'node /ABSOLUTE/PATH', script, 'options of node are not taken');
    return [nodeOf(context), script, ...more];
  }
  if (!isAbsolute(first)) return [findProgram(first), ...rest];
  if (!isExecutable(first) && !/\.[cm]?js$/.test(first))
    throw bad(`${first} is no program`, 'a file that can be executed', first, 'check the path');
  return [...runnable(context, first), ...rest];
};

const DISK: Looks = { real: realpathSync, exists: existsSync, head: (path) => headOf(path).split('\n')[0] ?? '' };

const MAX_LINKS = 40;

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** Every folder, link and file that a start goes through, the last one last. @throws Error where one is not there */
const stepsTo = (path: string): readonly string[] => {
  const steps = ['/'];
  let [at, left, links]: [string, readonly string[], number] = ['/', partsOf(path), 0];
  for (let [part, ...rest] = left; part !== undefined; [part, ...rest] = left) {
    const next = join(at, part);
    steps.push(next);
    if (lstatSync(next).isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw new Error(`${path} goes round in a circle`);
      const target = readlinkSync(next);
      [at, left] = [isAbsolute(target) ? '/' : at, [...partsOf(target), ...rest]];
    } else [at, left] = [next, rest];
  }
  return steps;
};

/** What another user can write, or can put another link in place of, is theirs to replace, with the secret in its environment. */
export const checkTrusted = (path: string): void => {
  for (const at of stepsTo(path)) {
    const found = lstatSync(at);
    // A link has no mode of its own; in a sticky folder nobody replaces what is root's.
    const isWritable = !found.isSymbolicLink() && (found.mode & 0o022) !== 0;
    const isSticky = found.isDirectory() && (found.mode & 0o1000) !== 0;
    if (found.uid !== 0 || (isWritable && !isSticky))
      throw bad(
        `${at} can be changed by others than root`,
        'a program that only root can write',
        path,
        'install it as root, or: sudo airlock-ctl mcp install PACKAGE',
      );
  }
};

const checkPlace = (context: Context, path: string): void => {
  try {
    realpathSync(path);
  } catch {
    throw bad(`${path} is not there`, 'a file that exists', path, 'check the path');
  }
  if (!isInstalled(context)) return;
  if (HIDDEN.some((folder) => path === folder || path.startsWith(`${folder}/`)))
    throw bad(
      `${path} cannot be seen by the server's unit`,
      `a path outside of ${HIDDEN.join(', ')}`,
      path,
      'install it for all users, or: sudo airlock-ctl mcp install PACKAGE',
    );
  checkTrusted(path);
};

/** `NAME=VALUE` texts. @throws AirlockError PARAMS_INVALID */
export const parseEnvironment = (texts: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new AirlockError('PARAMS_INVALID', `--env ${text}: found no value`, {
        field: '--env',
        expected: 'NAME=VALUE',
        found: text,
        hint: 'a secret belongs to --secret NAME, whose value is asked for',
      });
    }),
  );

/** The setting `program` of kind mcp. @throws AirlockError PARAMS_INVALID, NOT_FOUND for a package that is not installed */
export const programText = (context: Context, words: readonly string[], env: Readonly<Record<string, string>>): string => {
  if (words.length === 0)
    throw bad(
      'no command is given',
      'a command after --',
      'nothing',
      'airlock-ctl service add mcp --name NAME -- npx PACKAGE; for a server elsewhere: --url URL',
    );
  const argv = fromWords(context, words);
  const { files, relative } = codeFiles(argv, DISK);
  if (relative !== null)
    throw bad(
      `${relative} depends on where the server is started`,
      'the absolute path of a script',
      relative,
      'write the whole path',
    );
  for (const path of files) checkPlace(context, path);
  return canonicalProgram(JSON.stringify({ argv, env }));
};
