/** A disk that is full from a chosen write on: an instance is started with `FULL_AT` as its preload. */
import type { Running } from '@airlock/testkit';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Loaded by both daemons: from the n-th write since the file `full-at` appeared, every write of that daemon fails, until it is gone. */
export const FULL_AT = `
const fs = require('node:fs');
const { join, basename } = require('node:path');
const name = basename(process.argv[1] ?? '', '.cjs');
const write = fs.writeSync;
let armed = '';
let count = 0;
const isFull = () => {
  let order;
  try { order = fs.readFileSync(join(__dirname, 'full-at'), 'utf8'); } catch { return false; }
  if (order !== armed) { armed = order; count = 0; }
  const { program, at } = JSON.parse(order);
  if (program !== name) return false;
  if (++count === at) write(fs.openSync(join(__dirname, 'was-full'), 'w'), 'x');
  return count >= at;
};
fs.writeSync = (fd, ...rest) => {
  if (fd > 2 && isFull()) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
  return write(fd, ...rest);
};
`;

export interface FullOrder {
  readonly program: 'airlock-totp' | 'airlock-gateway';
  /** Counted from 1. */
  readonly at: number;
}

/** From now on writes are counted. */
export const fillUp = (running: Running, order: FullOrder): void => {
  rmSync(join(running.dir, 'was-full'), { force: true });
  // Renamed into place: a daemon never reads half an order.
  writeFileSync(join(running.dir, 'full-at.new'), JSON.stringify(order));
  renameSync(join(running.dir, 'full-at.new'), join(running.dir, 'full-at'));
};

/** There is room again. @returns whether a write failed */
export const makeRoom = (running: Running): boolean => {
  rmSync(join(running.dir, 'full-at'), { force: true });
  try {
    rmSync(join(running.dir, 'was-full'));
    return true;
  } catch {
    return false;
  }
};
