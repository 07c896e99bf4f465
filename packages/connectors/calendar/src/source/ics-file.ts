/**
 * A local .ics file at its sealed path.
 *
 * CAL-19  It is opened read-only, follows no link in its last step, and is a plain file; nothing is ever written.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { AirlockError } from '@airlock/protocol';
import { unreadable } from '../failure.js';
import { LIMITS } from '../limits.js';
import type { Reader } from './text-source.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

const noFile = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the calendar file cannot be read', {
    found: 'other',
    hint: 'check that the path is a plain .ics file and that the cell may read it',
  });

const stateOf = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;

const readAll = (file: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const read = readSync(file, bytes, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
};

const openPath = (path: string): number => {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    throw noFile();
  }
};

/** Reads the file where its inode, size or time changed. @throws AirlockError UNAVAILABLE, UPSTREAM_REFUSED */
export const fileReader = (path: string): Reader => {
  let known = '';
  const read = (): Buffer | null => {
    const file = openPath(path);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) throw noFile();
      if (stat.size > LIMITS.maxIcsBytes) throw unreadable('it is too large');
      if (stateOf(stat) === known) return null;
      known = stateOf(stat);
      return readAll(file, stat.size);
    } finally {
      closeSync(file);
    }
  };
  return { read: () => new Promise((resolve) => resolve(read())), close: () => Promise.resolve() };
};
