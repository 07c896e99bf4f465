/**
 * The files of an export, out of its directory or tar archive, by name; nothing is ever written.
 *
 * EXPORT-8  only the names that an export has are read; an archive with anything else in it is refused, for another tool might
 *           unpack that over what was found good.
 */
import { AirlockError } from '@airlock/protocol';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Two logs of 512 MiB, as an export is bounded, and what goes with them. */
const MAX_BYTES = 1100 * 1024 * 1024;
/** POSIX ustar. */
const BLOCK = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const SUM_AT = 148;
const TYPE_AT = 156;
const PREFIX_AT = 345;
const PREFIX_BYTES = 155;

const LOG_FILES = ['start', 'chain', 'lines.jsonl', 'head.note', 'head.signed', 'head.sig'];
const KEY_FILES = ['export', 'gateway', 'totp'].flatMap((name) => [`keys/${name}.pem`, `keys/${name}.vkey`]);

/** Every name that an export may have. */
export const BUNDLE_FILES: readonly string[] = [
  ...['VERIFY.md', 'SUMMARY.json', 'SHA256SUMS', 'SHA256SUMS.note', 'SHA256SUMS.signed', 'SHA256SUMS.sig'],
  ...KEY_FILES,
  ...['gateway', 'totp'].flatMap((log) => LOG_FILES.map((name) => `${log}/${name}`)),
];
const KNOWN = new Set(BUNDLE_FILES);
const FOLDERS = new Set(['', 'keys/', 'gateway/', 'totp/']);

export type BundleFiles = ReadonlyMap<string, Buffer>;

const refuse = (path: string, found: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${path}: found ${found}, allowed: an export of the record`, {
    field: 'BUNDLE',
    expected: 'a directory or .tar that airlock-ctl audit export made',
    found,
    hint: 'airlock-ctl audit verify BUNDLE; for copied log files: --dir',
  });

const codeOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'something that cannot be read';

/** A regular file; a symlink is none. null: there is no such file. @throws AirlockError PARAMS_INVALID */
const readPlain = (path: string, flags = constants.O_NOFOLLOW): Buffer | null => {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return null;
    throw refuse(path, codeOf(thrown) === 'ELOOP' ? 'a symlink' : codeOf(thrown));
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refuse(path, 'no regular file');
    if (stat.size > MAX_BYTES) throw refuse(path, `${stat.size} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
};

const inDirectory = (dir: string): BundleFiles => {
  const files = new Map<string, Buffer>();
  let bytes = 0;
  for (const name of BUNDLE_FILES) {
    const found = readPlain(join(dir, name));
    if (found === null) continue;
    if ((bytes += found.length) > MAX_BYTES) throw refuse(dir, 'more bytes than an export can have');
    files.set(name, found);
  }
  return files;
};

const textAt = (block: Buffer, at: number, length: number): string => {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? length : end);
};

const octal = (text: string): number => (/^ *[0-7]{1,11} *$/.test(text) ? parseInt(text, 8) : NaN);

const isSumRight = (block: Buffer): boolean => {
  const spaces = Buffer.from(block);
  spaces.fill(0x20, SUM_AT, SUM_AT + 8);
  return spaces.reduce((all, byte) => all + byte, 0) === octal(textAt(block, SUM_AT, 8));
};

interface Entry {
  /** The folder that all of them stand in, with `/`. */
  readonly folder: string;
  readonly name: string;
  readonly length: number;
  readonly isFile: boolean;
}

/** null: something that no export has, or that is unpacked under another name. */
const entryOf = (block: Buffer): Entry | null => {
  const path = textAt(block, 0, NAME_BYTES);
  const cut = path.indexOf('/') + 1;
  const [folder, name] = [path.slice(0, cut), path.slice(cut)];
  const type = String.fromCharCode(block[TYPE_AT] ?? 0);
  const isFile = type === '0' || type === '\0';
  const isKnown = isFile ? KNOWN.has(name) : type === '5' && FOLDERS.has(name);
  if (!isKnown || folder === '' || textAt(block, PREFIX_AT, PREFIX_BYTES) !== '') return null;
  return { folder, name, length: octal(textAt(block, SIZE_AT, 12)), isFile };
};

/** One header. @throws AirlockError PARAMS_INVALID */
const readEntry = (path: string, block: Buffer, left: number): Entry => {
  if (!isSumRight(block)) throw refuse(path, 'a damaged tar archive');
  const entry = entryOf(block);
  if (entry === null) throw refuse(path, 'something in it that no export has');
  if (Number.isNaN(entry.length) || entry.length > left || (!entry.isFile && entry.length > 0))
    throw refuse(path, 'a damaged tar archive');
  return entry;
};

/** Some tools go on behind the first block of zeros. @throws AirlockError PARAMS_INVALID */
const requireEnd = (path: string, fd: number, from: number): void => {
  const bytes = Buffer.alloc(1 << 16);
  for (let at = from, got: number; (got = readSync(fd, bytes, 0, bytes.length, at)) > 0; at += got)
    if (bytes.subarray(0, got).some((byte) => byte !== 0)) throw refuse(path, 'something behind the end of the archive');
};

const inTar = (path: string, fd: number, size: number): BundleFiles => {
  const files = new Map<string, Buffer>();
  const folders = new Set<string>();
  const block = Buffer.alloc(BLOCK);
  for (let at = 0; at + BLOCK <= size;) {
    readSync(fd, block, 0, BLOCK, at);
    if (block.every((byte) => byte === 0)) {
      requireEnd(path, fd, at);
      return files;
    }
    const { folder, name, length, isFile } = readEntry(path, block, size - at - BLOCK);
    if (folders.add(folder).size > 1) throw refuse(path, 'more than one folder in it');
    if (files.has(name)) throw refuse(path, `${name} twice`);
    if (isFile) {
      const bytes = Buffer.alloc(length);
      if (readSync(fd, bytes, 0, length, at + BLOCK) !== length) throw refuse(path, 'a cut tar archive');
      files.set(name, bytes);
    }
    at += BLOCK + Math.ceil(length / BLOCK) * BLOCK;
  }
  throw refuse(path, 'a cut tar archive');
};

const tarFiles = (path: string): BundleFiles => {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw refuse(path, codeOf(thrown) === 'ENOENT' ? 'nothing' : codeOf(thrown));
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refuse(path, 'no regular file');
    if (stat.size > MAX_BYTES) throw refuse(path, `${stat.size} bytes, more than an export can have`);
    return inTar(path, fd, stat.size);
  } finally {
    closeSync(fd);
  }
};

/** @throws AirlockError PARAMS_INVALID */
export const readBundle = (path: string): BundleFiles => {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const files = isDirectory ? inDirectory(path) : tarFiles(path);
  if (!files.has('SHA256SUMS')) throw refuse(path, isDirectory ? 'a directory without SHA256SUMS' : 'a file without SHA256SUMS');
  return files;
};
