/**
 * npm packages of upstream MCP servers: installed once by root, each version in a folder of its own that only root writes, and run
 * from there. Nothing is fetched when a server starts (docs/spec/upstream.md).
 */
import { AirlockError } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../context.js';
import { isInstalled, system } from '../system.js';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

const INSTALLED_DIR = '/var/lib/airlock-mcp';
/** Where npm of the system may be; nothing of the caller's own PATH. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Folder of all packages: root's on a workstation, the instance's own under the development launcher. */
export const packagesDir = (context: Context): string =>
  isInstalled(context) ? INSTALLED_DIR : join(context.env['AIRLOCK_STATE_DIR'] ?? dirname(context.runtimeDir), 'mcp');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: string | Readonly<Record<string, string>>;
}

const readManifest = (folder: string, name: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as Manifest;

/** `name@1.2.3` and `@scope+name@1.2.3`, and nothing that could be a path. */
const FOLDER = /^(@[a-z0-9~][a-z0-9._~-]*\+)?[a-z0-9~][a-z0-9._~-]*@[0-9A-Za-z.+-]+$/;

/** All of them, by name, oldest version first. */
export const installedPackages = (context: Context): readonly InstalledPackage[] => {
  const dir = packagesDir(context);
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((entry) => FOLDER.test(entry))
    .map((entry) => {
      const at = entry.lastIndexOf('@');
      return { name: entry.slice(0, at).replace('+', '/'), version: entry.slice(at + 1), folder: join(dir, entry) };
    })
    .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version, 'en', { numeric: true }));
};

const failed = (what: string, words: string): AirlockError =>
  new AirlockError(
    'UNAVAILABLE',
    `npm could not install ${what}: ${words.trim().split('\n').slice(-3).join(' ').slice(0, 400)}`,
    {
      hint: 'check the name and that the registry can be reached, then try again; what git has to fetch is not taken; nothing was installed',
    },
  );

/** A checkout brings a .npmrc of its own, which names the git that npm runs next (UPSTREAM-14). */
const NO_GIT = '--git=/bin/false';

const npmInstall = (folder: string, what: string, env: NodeJS.ProcessEnv): void => {
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--install-links', '--loglevel=error', NO_GIT];
  // The caller's environment may name a registry or certificates, and no code.
  const npm = spawnSync('npm', ['install', ...options, '--save-exact', '--', what], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, NODE_OPTIONS: undefined, NODE_PATH: undefined, PATH: env['AIRLOCK_NPM_PATH'] ?? SYSTEM_PATH },
  });
  if (npm.status !== 0) throw failed(what, npm.error?.message ?? npm.stderr);
};

/** Name of the one package that was asked for, however it was: name, name@version, tarball or folder. */
const nameIn = (folder: string): string => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  return Object.keys(dependencies)[0] ?? '';
};

/** What a package says of itself is a stranger's word. @throws AirlockError PARAMS_INVALID */
const placeOf = (name: string, version: string): string => {
  const place = `${name.replace('/', '+')}@${version}`;
  if (FOLDER.test(place)) return place;
  throw new AirlockError('PARAMS_INVALID', 'the package calls itself what is no name and version', {
    field: 'PACKAGE',
    expected: 'NAME and VERSION as npm has them',
    found: place.slice(0, 200),
    hint: 'nothing was installed; do not trust this package',
  });
};

/** Servers run as users of their own, who read it; nothing of it runs as its owner, which is root. */
const openToAll = (folder: string): void => {
  // First of all: until then mkdtemp keeps everybody out.
  system('chmod', '-R', 'a-st', folder);
  system('chmod', '-R', 'a+rX,go-w', folder);
};

/** Installs one package, whole or not at all. @param what as npm takes it. @throws AirlockError UNAVAILABLE, PARAMS_INVALID */
export const installPackage = (context: Context, what: string): InstalledPackage => {
  if (what === '' || what.startsWith('-'))
    throw new AirlockError('PARAMS_INVALID', 'no package is named', {
      field: 'PACKAGE',
      expected: 'NAME or NAME@VERSION',
      found: what,
    });
  const dir = packagesDir(context);
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const folder = mkdtempSync(join(dir, '.new-'));
  try {
    npmInstall(folder, what, isInstalled(context) ? context.env : { ...context.env, AIRLOCK_NPM_PATH: context.env['PATH'] });
    const name = nameIn(folder);
    const { version } = readManifest(folder, name);
    const place = join(dir, placeOf(name, version));
    openToAll(folder);
    rmSync(place, { recursive: true, force: true });
    renameSync(folder, place);
    return { name, version, folder: place };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** @throws AirlockError NOT_FOUND naming those there are */
export const findPackage = (context: Context, spec: string): InstalledPackage => {
  const at = spec.lastIndexOf('@');
  const [name, version] = at > 0 ? [spec.slice(0, at), spec.slice(at + 1)] : [spec, null];
  const all = installedPackages(context);
  const named = all.filter((one) => one.name === name && (version === null || version === 'latest' || one.version === version));
  const found = named.at(-1);
  if (found !== undefined) return found;
  throw new AirlockError('NOT_FOUND', `the package ${spec} is not installed for Airlock`, {
    field: 'COMMAND',
    expected: all.map((one) => `${one.name}@${one.version}`).join(', ') || 'none is installed',
    found: spec,
    hint: `sudo airlock-ctl mcp install ${spec}, then the same again (it is not fetched at each start)`,
  });
};

/** Absolute path of a program of the package. @param wanted its name, null: the one that is called like the package, or the only one */
export const programOf = ({ name, folder }: InstalledPackage, wanted: string | null): string => {
  const { bin = {} } = readManifest(folder, name);
  const own = name.split('/').at(-1) ?? name;
  const bins = typeof bin === 'string' ? { [own]: bin } : bin;
  const names = Object.keys(bins);
  const key = wanted ?? (names.includes(own) ? own : names.length === 1 ? (names[0] ?? '') : '');
  const file = Object.hasOwn(bins, key) ? bins[key] : undefined;
  if (file !== undefined) return realpathSync(join(folder, 'node_modules', name, file));
  throw new AirlockError('PARAMS_INVALID', `${name} has no program ${wanted ?? 'of its own name'}`, {
    field: 'COMMAND',
    expected: names.join(', ') || 'a package with a program',
    found: wanted ?? own,
    hint: names.length === 0 ? 'name a program by its absolute path instead' : `npx -p ${name} ${names[0] ?? ''} …`,
  });
};
