/** Puts the model below code that imports node:fs itself: paths under /state and the model's descriptors go there, all others on. */
import fs, { constants } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { ModelFs } from './model-fs.js';

const real = { ...fs };
let current: ModelFs | null = null;

const forPath = (path: unknown): ModelFs | null => (typeof path === 'string' && path.startsWith('/state') ? current : null);
const forFd = (fd: unknown): ModelFs | null => (typeof fd === 'number' && current?.owns(fd) === true ? current : null);

type Call = (...args: never[]) => unknown;
/** Each call: the model's own where its first argument belongs to the model. */
const put = (name: keyof typeof fs, ours: (model: ModelFs, args: readonly unknown[]) => unknown, isFd: boolean): void => {
  const before = real[name] as Call;
  const call = (...args: readonly unknown[]): unknown => {
    const model = isFd ? forFd(args[0]) : forPath(args[0]);
    return model === null ? before(...(args as never[])) : ours(model, args);
  };
  Object.assign(fs, { [name]: call });
};

const text = (value: unknown): string => value as string;
const fdOf = (value: unknown): number => value as number;
const FLAGS: Readonly<Record<string, number>> = {
  r: constants.O_RDONLY,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};
const flagsOf = (value: unknown): number => (typeof value === 'string' ? (FLAGS[value] ?? Number.NaN) : fdOf(value));
const install = (): void => {
  put('openSync', (model, [path, flags, mode]) => model.open(text(path), flagsOf(flags), mode as number | undefined), false);
  put('fchmodSync', (model, [fd, mode]) => model.chmod(fdOf(fd), mode as number), true);
  put('mkdirSync', (model, [path, options]) => makeDirectory(model, text(path), options as DirectoryOptions), false);
  put('readdirSync', (model, [path]) => model.list(text(path)), false);
  put('renameSync', (model, [from, to]) => model.rename(text(from), text(to)), false);
  put('unlinkSync', (model, [path]) => model.unlink(text(path)), false);
  put('rmSync', (model, [path]) => model.remove(text(path)), false);
  put('closeSync', (model, [fd]) => model.close(fdOf(fd)), true);
  put('fstatSync', (model, [fd]) => model.stat(fdOf(fd)), true);
  put('fsyncSync', (model, [fd]) => model.sync(fdOf(fd)), true);
  put('readFileSync', (model, [fd]) => model.content(fdOf(fd)).toString('utf8'), true);
  put('writeSync', (model, [fd, bytes, at = 0]) => writeAll(model, fdOf(fd), bytes as Uint8Array, fdOf(at)), true);
  syncBuiltinESMExports();
};

interface DirectoryOptions {
  readonly mode?: number;
  readonly recursive?: boolean;
}
const makeDirectory = (model: ModelFs, path: string, { mode = 0o777, recursive = false }: DirectoryOptions): boolean =>
  model.mkdir(path, mode, recursive);
const writeAll = (model: ModelFs, fd: number, bytes: Uint8Array, at: number): number =>
  model.write(fd, bytes, at, bytes.length - at, null);
install();

/** Runs with this model in place; nested ones stand in for the outer one until they are done. */
export const onModel = <T>(model: ModelFs, run: () => T): T => {
  const before = current;
  current = model;
  let result: T | undefined;
  try {
    result = run();
    return result;
  } finally {
    const back = (): void => {
      current = before;
    };
    if (result instanceof Promise) void result.then(back, back);
    else back();
  }
};
