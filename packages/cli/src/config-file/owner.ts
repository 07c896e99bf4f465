/**
 * Root edits what is another user's as that user.
 *
 * CLIENTS-13 where a directory or a link on the way to the file is another user's, root becomes that user first, for good: whatever
 *            they put in the way meanwhile, nothing is read or written that they could not read or write. Of two such users neither is.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { codeOf, refuseFile } from './read.js';

const MAX_LINKS = 40;
const NOGROUP = 65_534;

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** What of the disk is looked at. */
export interface Looked {
  readonly uid: number;
  /** Where it leads; null where it is no link. */
  readonly target: string | null;
}

const look = (path: string): Looked | null => {
  try {
    const stat = lstatSync(path);
    return { uid: stat.uid, target: stat.isSymbolicLink() ? readlinkSync(path) : null };
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(thrown) ?? '')) return null;
    throw thrown;
  }
};

/** The owners of every directory and link that leads to a file, as far as they are there; not that of the file. */
export const ownersOnWay = (path: string, at: (path: string) => Looked | null = look): ReadonlySet<number> => {
  const owners = new Set<number>([at('/')?.uid ?? 0]);
  let [folder, left, links]: [string, readonly string[], number] = ['/', partsOf(resolve(path)), 0];
  for (let [part, ...rest] = left; part !== undefined; [part, ...rest] = left) {
    const next = part === '..' ? dirname(folder) : join(folder, part);
    const found = at(next);
    if (found === null) return owners;
    if (found.target !== null || rest.length > 0) owners.add(found.uid);
    if (found.target === null) [folder, left] = [next, rest];
    else {
      links += 1;
      if (links > MAX_LINKS) throw refuseFile(path, 'is a chain of links without an end', 'remove it');
      [folder, left] = [isAbsolute(found.target) ? '/' : folder, [...partsOf(found.target), ...rest]];
    }
  }
  return owners;
};

/** Whom root becomes; null: it stays root. @throws AirlockError CONFIG_INVALID where the way is of several users */
export const strangerOnWay = (path: string, owners: ReadonlySet<number> = ownersOnWay(path)): number | null => {
  const strangers = [...owners].filter((uid) => uid !== 0);
  if (strangers.length > 1)
    throw refuseFile(
      path,
      'lies behind directories or links of several users',
      'do it as the user whose client it is, without sudo',
    );
  return strangers[0] ?? null;
};

interface Account {
  readonly gid: number;
  readonly user: string | null;
}

/** A user that /etc/passwd does not have gets a group that owns nothing. */
const accountOf = (uid: number): Account => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((text) => text.split(':'))
    .find((fields) => fields[2] === String(uid));
  return { gid: line === undefined ? NOGROUP : Number(line[3]), user: line?.[0] ?? null };
};

/**
 * Before anything is read or written. @returns the user that this process is from now on; null where it stays who it is
 * @throws AirlockError CONFIG_INVALID
 */
export const becomeOwner = (path: string): string | null => {
  if (process.geteuid?.() !== 0) return null;
  const uid = strangerOnWay(path);
  if (uid === null) return null;
  const { gid, user } = accountOf(uid);
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  return user ?? `uid ${uid}`;
};
