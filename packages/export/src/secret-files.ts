/**
 * Headers and certificates of a sink, from files of their own: airlock.yaml may be read by everybody.
 *
 * SINK-10  a file with headers counts only if root or this program owns it and nobody else can read or change it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { EXPORT_LIMITS } from './limits.js';
import { NotDelivered } from './sink.js';

/** RFC 9110 §5.6.2 and §5.5, without obs-text. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]{0,4094}[\x21-\x7e])?)[ \t]*$/;
/** What says how a message is framed is not for a file to say. */
const RESERVED = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

const isOurs = (stats: Stats): boolean => stats.uid === 0 || stats.uid === process.getuid?.();

/** The bits that let others in: everybody, and a group that may write. */
const OTHERS = 0o027;

const readText = (path: string, isSecret: boolean): string => {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > EXPORT_LIMITS.maxSecretBytes) throw new Error('it is too large');
    if (isSecret && !isOurs(stats)) throw new Error('it is of another user: chown root:airlock-export');
    if (isSecret && (stats.mode & OTHERS) !== 0) throw new Error('others can read or change it: chmod 0640');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
};

/** The message never holds what stands in the file. @throws NotDelivered */
const readable = (path: string, isSecret: boolean): string => {
  try {
    return readText(path, isSecret);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    throw new NotDelivered(`${path}: ${code === 'ELOOP' ? 'it is a symlink' : (code ?? message)}`);
  }
};

/** `NAME: VALUE` each, empty lines and lines from `#` on left out. @throws NotDelivered with the line's number, never its text */
export const parseHeaders = (path: string, text: string): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name = '', value = ''] = HEADER.exec(line) ?? [];
    if (name === '') throw new NotDelivered(`${path} line ${at + 1}: it is not NAME: VALUE`);
    if (RESERVED.has(name.toLowerCase())) throw new NotDelivered(`${path} line ${at + 1}: this header is not for a file to set`);
    found[name.toLowerCase()] = value;
  }
  return found;
};

/** @throws NotDelivered */
export const readHeaders = (path: string | undefined): Readonly<Record<string, string>> =>
  path === undefined ? {} : parseHeaders(path, readable(path, true));

/** @throws NotDelivered */
export const readCertificates = (path: string | undefined): { readonly ca?: string } =>
  path === undefined ? {} : { ca: readable(path, false) };
