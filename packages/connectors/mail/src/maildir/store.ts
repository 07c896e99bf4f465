/**
 * Files of a maildir, read and nothing else.
 *
 * MAIL-16 Every open is read-only and follows no link; each step starts from an open directory, so nothing outside the
 *         sealed path is reached, whatever is renamed meanwhile.
 * MAIL-17 Nothing is created, renamed, linked or removed: a new message stays in `new`.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
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

/** Path of a name inside an open directory; Node has no openat. */
const below = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

const withOpen = <T>(path: string, flags: number, use: (descriptor: number) => T): T => {
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const absent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String((thrown as { code?: unknown }).code));

/** Folder names to directory names: Maildir++ puts `.Sub.Inner` beside `cur`. */
const directoryNames = (root: number): ReadonlyMap<string, string> => {
  const names = new Map([['INBOX', '.']]);
  for (const entry of readdirSync(below(root, ''), { withFileTypes: true })) {
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

/** Messages read without letting timers and sockets have their turn. */
const READS_A_TURN = 16;

const namesIn = (directory: number, sub: string): readonly string[] => {
  try {
    return withOpen(below(directory, sub), O_DIRECTORY, (descriptor) => readdirSync(below(descriptor, '')));
  } catch (thrown) {
    if (absent(thrown)) return [];
    throw thrown;
  }
};

const readFile = (file: number, maxBytes: number): MailBytes | null => {
  const stat = fstatSync(file);
  if (!stat.isFile()) return null;
  const bytes = Buffer.alloc(Math.min(stat.size, maxBytes));
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(file, bytes, length, bytes.length - length, length);
    if (read === 0) break;
    length += read;
  }
  return { bytes: bytes.subarray(0, length), size: stat.size };
};

/** A maildir at its sealed path. The files are local: they are read synchronously, with a pause now and then. */
export class MaildirStore {
  readonly #path: string;
  #reads = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** A maildir has `cur`. @throws AirlockError UNAVAILABLE where the path is none, or cannot be read. */
  check(): void {
    this.#inRoot((root) => withOpen(below(root, 'cur'), O_DIRECTORY, () => undefined));
  }

  folders(): readonly string[] {
    return this.#inRoot((root) => [...directoryNames(root).keys()].sort());
  }

  /** All messages of a folder, newest first. @throws AirlockError NOT_FOUND */
  files(folder: string): readonly MailFile[] {
    return this.#inRoot((root) => {
      const name = directoryNames(root).get(folder);
      if (name === undefined) throw noFolder();
      const found = withOpen(below(root, name), O_DIRECTORY, (directory) =>
        (['cur', 'new'] as const).flatMap((sub) => namesIn(directory, sub).map((file) => parseName(folder, name, sub, file))),
      );
      return found.filter(({ file }) => !file.startsWith('.')).sort(compareFiles);
    });
  }

  /** @returns the bytes, at most `maxBytes` of them, or null where the message is gone or is no plain file. */
  async read(message: MailFile, maxBytes: number = LIMITS.maxFileBytes): Promise<MailBytes | null> {
    this.#reads += 1;
    if (this.#reads % READS_A_TURN === 0) await nextTurn();
    return this.#inRoot((root) => {
      try {
        return withOpen(below(root, message.directory), O_DIRECTORY, (directory) =>
          withOpen(below(directory, message.sub), O_DIRECTORY, (sub) =>
            withOpen(below(sub, message.file), 0, (file) => readFile(file, maxBytes)),
          ),
        );
      } catch (thrown) {
        if (absent(thrown)) return null;
        throw thrown;
      }
    });
  }

  #inRoot<T>(use: (root: number) => T): T {
    try {
      return withOpen(this.#path, O_DIRECTORY, use);
    } catch (thrown) {
      if (thrown instanceof AirlockError) throw thrown;
      throw new AirlockError('UNAVAILABLE', 'the maildir cannot be read', {
        found: 'other',
        hint: 'check that the path exists and that the cell may read it',
      });
    }
  }
}
