/**
 * What both daemons of a soak load first: on SIGUSR2 a full collection, then what is alive is written down; and, once they are told
 * to, the leaks that the judge must find.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until, type Running } from '@airlock/testkit';

/** Bytes that the negative control keeps of each connection; airlock-gateway has a fourth of those of airlock-totp, and keeps more of each. */
const LEAKED_BYTES = 524_288;
const GATEWAY_TIMES = 4;
/** Of each look, before that: what a leak that begins late has to come to where tables of the gateway still fill up. */
const LATE_BYTES = 65_536;

/** CommonJS; it stands in for nothing of the daemon's own, and without its file it leaks nothing. */
export const PRELOAD = `'use strict';
const fs = require('node:fs');
const net = require('node:net');
const { spawn } = require('node:child_process');
require('node:v8').setFlagsFromString('--expose-gc');
const gc = require('node:vm').runInNewContext('gc');
const dir = process.env.AIRLOCK_RUNTIME_DIR;
const isGateway = require('node:path').basename(process.argv[1]).startsWith('airlock-gateway');
const kept = [];
const isLeaking = () => fs.existsSync(dir + '/soak-leak');
const keep = (bytes) => kept.push(Array.from({ length: bytes / 8 }, () => kept.length + 0.5));
process.on('SIGUSR2', () => {
  if (fs.existsSync(dir + '/soak-late-leak')) keep(${LATE_BYTES});
  if (isLeaking()) spawn('sleep', ['900'], { stdio: 'ignore' });
  gc();
  setImmediate(() => {
    gc();
    const path = dir + '/soak-' + process.pid;
    fs.writeFileSync(path + '.new', JSON.stringify(process.memoryUsage()));
    fs.renameSync(path + '.new', path);
  });
});
const emit = net.Server.prototype.emit;
net.Server.prototype.emit = function (event, ...args) {
  if (event === 'connection' && isLeaking()) keep(${LEAKED_BYTES} * (isGateway ? ${GATEWAY_TIMES} : 1));
  return emit.call(this, event, ...args);
};
`;

const runtimeOf = ({ env }: Running): string => env['AIRLOCK_RUNTIME_DIR'] ?? '';

/** From now on both daemons leak a little with each look at them. */
export const startLateLeak = (running: Running): void => writeFileSync(join(runtimeOf(running), 'soak-late-leak'), '');

/** From now on both daemons leak a piece of memory with each connection, and a child with each look at them. */
export const startLeaking = (running: Running): void => writeFileSync(join(runtimeOf(running), 'soak-leak'), '');

/** What is alive in a daemon after a full collection: heap and buffers, in bytes. */
export const liveBytes = async (running: Running, pid: number): Promise<number> => {
  const path = join(runtimeOf(running), `soak-${pid}`);
  rmSync(path, { force: true });
  process.kill(pid, 'SIGUSR2');
  await until('a collection', () => existsSync(path), 60_000);
  const { heapUsed, external } = JSON.parse(readFileSync(path, 'utf8')) as { heapUsed: number; external: number };
  return heapUsed + external;
};
