/** kill -9 of a daemon at a chosen step of what it writes: an instance is started with `KILL_AT` as its preload. */
import type { Running } from '@airlock/testkit';
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Loaded by both daemons: ends this one, or both, at the n-th step since the file `kill-at` was written. A step is the moment
 * before, and the moment after, a file takes its place; where the order names a part of paths, it is the moment before anything
 * is made, written, synced, renamed or removed there, each file of a directory that goes by itself.
 */
export const KILL_AT = `
const fs = require('node:fs');
const { join, basename } = require('node:path');
const name = basename(process.argv[1] ?? '', '.cjs');
fs.writeFileSync(join(__dirname, name + '.pid'), String(process.pid));
const { openSync, renameSync: rename, unlinkSync, rmdirSync, mkdirSync, writeSync, fsyncSync } = fs;
let armed = '';
let count = 0;
const opened = new Map();
const step = (path) => {
  let order;
  try { order = fs.readFileSync(join(__dirname, 'kill-at'), 'utf8'); } catch { return; }
  if (order !== armed) { armed = order; count = 0; }
  const { program, at, both, below } = JSON.parse(order);
  if ((below !== undefined) !== (path !== undefined)) return;
  if (path !== undefined && !below.some((part) => String(path).includes(part))) return;
  if (program !== name || ++count !== at) return;
  fs.unlinkSync(join(__dirname, 'kill-at'));
  const other = program === 'airlock-totp' ? 'airlock-gateway' : 'airlock-totp';
  if (both) try { process.kill(Number(fs.readFileSync(join(__dirname, other + '.pid'), 'utf8')), 'SIGKILL'); } catch {}
  process.kill(process.pid, 'SIGKILL');
};
fs.renameSync = (from, to) => { step(); step(to); rename(from, to); step(); };
fs.openSync = (path, ...rest) => {
  const fd = openSync(path, ...rest);
  opened.set(fd, path);
  return fd;
};
for (const [call, original] of Object.entries({ unlinkSync, rmdirSync, mkdirSync }))
  fs[call] = (path, ...rest) => { step(path); return original(path, ...rest); };
for (const [call, original] of Object.entries({ writeSync, fsyncSync }))
  fs[call] = (fd, ...rest) => { step(opened.get(fd) ?? ''); return original(fd, ...rest); };
fs.rmSync = (path) => {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) return fs.unlinkSync(path);
  for (const entry of fs.readdirSync(path)) fs.rmSync(join(path, entry));
  fs.rmdirSync(path);
};
`;

export interface KillOrder {
  readonly program: 'airlock-totp' | 'airlock-gateway';
  /** Counted from 1. */
  readonly at: number;
  /** The other daemon dies at the same moment. */
  readonly both: boolean;
  /** Parts of paths: steps are then what is done to such files. */
  readonly below?: readonly string[];
}

const fileOf = (running: Running): string => join(running.dir, 'kill-at');

/** From now on steps are counted. */
export const arm = (running: Running, order: KillOrder): void => writeFileSync(fileOf(running), JSON.stringify(order));

/** Not killed yet. */
export const isArmed = (running: Running): boolean => existsSync(fileOf(running));

/** What is done must not be hit by what was meant for it. @returns whether the order was still there: nobody was killed */
export const disarm = (running: Running): boolean => {
  try {
    unlinkSync(fileOf(running));
    return true;
  } catch {
    return false;
  }
};
