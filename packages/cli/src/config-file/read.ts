/**
 * Reads a configuration file that other programs write too.
 *
 * CLIENTS-4 only a regular file of at most 16 MiB of UTF-8 is read; a FIFO, a device or a directory is refused, not opened for long.
 * CLIENTS-5 a symbolic link is followed to its target, which is then replaced; root follows none of another user, nor a directory that is one.
 */
import { AirlockError } from '@airlock/client';
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** ~/.claude.json grows to some megabytes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** As the kernel. */
const MAX_LINKS = 40;

/** A file as it was read. */
export interface ConfigFile {
  /** Where it is, behind all links. */
  readonly path: string;
  /** null where there is none. */
  readonly text: string | null;
  /** Of the opened file; null where there is none. */
  readonly stat: Stats | null;
}

export const codeOf = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException | null)?.code;

/** A file that is left as it is. */
export const refuseFile = (path: string, what: string, hint: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${path}: ${what}`, { hint: `nothing was written; ${hint}` });

const foreignLink = (path: string): AirlockError =>
  refuseFile(path, 'is a symbolic link of another user', 'name the file it leads to: --config FILE, or do it as that user');

const explain = (path: string, thrown: unknown): unknown => {
  const code = codeOf(thrown);
  if (thrown instanceof AirlockError || code === undefined) return thrown;
  return refuseFile(path, `cannot be used (${code})`, 'see who may read and write it: ls -ld on it and its directory');
};

/** Says where the system refuses. @throws AirlockError CONFIG_INVALID */
export const explained = <T>(path: string, work: () => T): T => {
  try {
    return work();
  } catch (thrown) {
    throw explain(path, thrown);
  }
};

const statOf = (path: string): Stats | null => {
  try {
    return lstatSync(path);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
};

/** Root is not led elsewhere by a directory that is another user's link. */
const checkParents = (path: string): void => {
  const parent = dirname(path);
  if (parent === path) return;
  checkParents(parent);
  const stat = statOf(parent);
  if (stat?.isSymbolicLink() === true && stat.uid !== 0) throw foreignLink(parent);
};

/** CLIENTS-5. `uid`: who this is. A link that dangles leads to where the file will be. */
const behindLinks = (path: string, uid: number): string => {
  let at = resolve(path);
  for (let count = 0; count < MAX_LINKS; count += 1) {
    if (uid === 0) checkParents(at);
    const stat = statOf(at);
    if (stat?.isSymbolicLink() !== true) return at;
    if (uid === 0 && stat.uid !== 0) throw foreignLink(at);
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw refuseFile(path, 'is a chain of links without an end', 'remove it');
};

/** Of the first byte that is no UTF-8. */
const offsetOfBadByte = (bytes: Buffer): number => {
  const again = Buffer.from(bytes.toString('utf8'));
  return again.findIndex((byte, index) => byte !== bytes[index]);
};

/** With its byte order mark. @throws AirlockError CONFIG_INVALID for what is not UTF-8, with line and column */
const decode = (path: string, bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  const before = bytes.subarray(0, Math.max(0, offsetOfBadByte(bytes))).toString('utf8');
  const place = `${before.split('\n').length}:${before.length - before.lastIndexOf('\n')}`;
  throw refuseFile(`${path}:${place}`, 'is not UTF-8', 'save it as UTF-8, then try again');
};

const readOpen = (fd: number, path: string): { readonly text: string; readonly stat: Stats } => {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw refuseFile(path, 'is no regular file', 'remove what is there');
  if (stat.nlink > 1)
    throw refuseFile(path, 'has a second name (hard link), which would keep the old content', 'remove one of the two');
  if (stat.size > MAX_BYTES) throw refuseFile(path, `is larger than ${MAX_BYTES} bytes`, 'look what grew in it');
  return { text: decode(path, readFileSync(fd)), stat };
};

/** @throws AirlockError CONFIG_INVALID where it cannot be read or is no configuration file */
export const readConfigFile = (path: string, uid: number = process.geteuid?.() ?? -1): ConfigFile => {
  const real = explained(path, () => behindLinks(path, uid));
  return explained(real, () => {
    let fd: number;
    try {
      // O_NONBLOCK: opening a FIFO must not wait for a writer.
      fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return { path: real, text: null, stat: null };
      throw thrown;
    }
    try {
      return { path: real, ...readOpen(fd, real) };
    } finally {
      closeSync(fd);
    }
  });
};
