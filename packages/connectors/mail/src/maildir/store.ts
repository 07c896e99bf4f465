/**
 * Files of a maildir, read and nothing else.
 *
 * MAIL-16 Every open is read-only and follows no link; each step starts from an open directory, so nothing outside the
 *         sealed path is reached, whatever is renamed meanwhile.
 * MAIL-17 Nothing is created, renamed, linked or removed: a new message stays in `new`.
 */
import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { AirlockError } from '@airlock/protocol';
import { decodeFolderName } from '../guard/folder-line.js';
import { LIMITS } from '../limits.js';

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;

/** One message file. */
export interface MailFile {
  readonly folder: string;
  /** Directory of the folder below the root, as listed there. */
  readonly directory: string;
  readonly sub: 'cur' | 'new';
  readonly file: string;
  /** Name without flags: the same when another program moves the message to `cur` or changes its flags. */
  readonly base: string;
  readonly unread: boolean;
  /** Seconds since 1970 from the name, 0 where it has none. */
  readonly deliveredS: number;
}

/** Bytes of a message, at most LIMITS.maxFileBytes of them. */
export interface MailBytes {
  readonly bytes: Buffer;
  readonly size: number;
}

const below = (directory: FileHandle, name: string): string => `/proc/self/fd/${directory.fd}/${name}`;

const withHandle = async <T>(path: string, flags: number, use: (handle: FileHandle) => Promise<T>): Promise<T> => {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
};

const absent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String((thrown as { code?: unknown }).code));

/** Folder names to directory names: Maildir++ puts `.Sub.Inner` beside `cur`. */
const directoryNames = async (root: FileHandle): Promise<ReadonlyMap<string, string>> => {
  const names = new Map([['INBOX', '.']]);
  for (const entry of await readdir(below(root, ''), { withFileTypes: true })) {
    const wire = entry.name.slice(1);
    if (!entry.isDirectory() || !/^\.[^.]/.test(entry.name) || wire.endsWith('.') || wire.includes('..')) continue;
    const name = decodeFolderName(wire)?.replaceAll('.', '/') ?? null;
    if (name !== null && !names.has(name) && names.size < LIMITS.maxFolders) names.set(name, entry.name);
  }
  return names;
};

const parseName = (folder: string, directory: string, sub: 'cur' | 'new', file: string): MailFile => {
  const colon = file.indexOf(':2,');
  const base = colon < 0 ? file : file.slice(0, colon);
  const flags = colon < 0 ? '' : file.slice(colon + 3);
  const delivered = Number(/^[0-9]{1,12}(?=\.)/.exec(base)?.[0] ?? 0);
  return { folder, directory, sub, file, base, unread: sub === 'new' || !flags.includes('S'), deliveredS: delivered };
};

/** Newest first; names break ties. */
export const compareFiles = (one: Pick<MailFile, 'deliveredS' | 'base'>, other: Pick<MailFile, 'deliveredS' | 'base'>): number =>
  other.deliveredS - one.deliveredS || (one.base < other.base ? 1 : one.base > other.base ? -1 : 0);

/** The time and name of a message by its base name alone, for cursors. */
export const placeOf = (base: string): Pick<MailFile, 'deliveredS' | 'base'> => parseName('', '.', 'cur', base);

const noFolder = (): AirlockError => new AirlockError('NOT_FOUND', 'the mailbox has no such folder', { field: 'params.folder' });

export class MaildirStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws AirlockError UNAVAILABLE where the path is no directory that can be read. */
  async #root<T>(use: (root: FileHandle) => Promise<T>): Promise<T> {
    try {
      return await withHandle(this.#path, O_DIRECTORY, use);
    } catch (thrown) {
      if (thrown instanceof AirlockError) throw thrown;
      throw new AirlockError('UNAVAILABLE', 'the maildir cannot be read', {
        found: 'other',
        hint: 'check that the path exists and that the cell may read it',
      });
    }
  }

  /** A maildir has `cur`; anything else is refused. */
  async check(): Promise<void> {
    await this.#root((root) => withHandle(below(root, 'cur'), O_DIRECTORY, () => Promise.resolve()));
  }

  async folders(): Promise<readonly string[]> {
    return this.#root(async (root) => [...(await directoryNames(root)).keys()].sort());
  }

  async #inFolder<T>(folder: string, use: (directory: FileHandle, name: string) => Promise<T>): Promise<T> {
    return this.#root(async (root) => {
      const name = (await directoryNames(root)).get(folder);
      if (name === undefined) throw noFolder();
      return withHandle(below(root, name), O_DIRECTORY, (directory) => use(directory, name));
    });
  }

  /** All messages of a folder, newest first. @throws AirlockError NOT_FOUND */
  async files(folder: string): Promise<readonly MailFile[]> {
    return this.#inFolder(folder, async (directory, name) => {
      const found: MailFile[] = [];
      for (const sub of ['cur', 'new'] as const) {
        const names = await withHandle(below(directory, sub), O_DIRECTORY, (handle) => readdir(below(handle, ''))).catch(
          (thrown: unknown) => {
            if (absent(thrown)) return [];
            throw thrown;
          },
        );
        for (const file of names) if (!file.startsWith('.')) found.push(parseName(folder, name, sub, file));
      }
      return found.sort(compareFiles);
    });
  }

  /** @returns the bytes, at most `maxBytes` of them, or null where the message is gone or is no plain file. */
  async read(message: MailFile, maxBytes: number = LIMITS.maxFileBytes): Promise<MailBytes | null> {
    return this.#root(async (root) => {
      try {
        return await withHandle(below(root, message.directory), O_DIRECTORY, (directory) =>
          withHandle(below(directory, message.sub), O_DIRECTORY, (sub) =>
            withHandle(below(sub, message.file), 0, (file) => readFile(file, maxBytes)),
          ),
        );
      } catch (thrown) {
        if (absent(thrown)) return null;
        throw thrown;
      }
    });
  }
}

const readFile = async (file: FileHandle, maxBytes: number): Promise<MailBytes | null> => {
  const stat = await file.stat();
  if (!stat.isFile()) return null;
  const bytes = Buffer.alloc(Math.min(stat.size, maxBytes));
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return { bytes: bytes.subarray(0, length), size: stat.size };
};
