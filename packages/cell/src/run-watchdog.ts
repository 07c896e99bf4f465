/** The second thread of a cell, from its first line: a program of its own, twenty times smaller than the cell. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Clock } from '@airlock/protocol';
import { kill } from './kill.js';
import { isWatchdogData } from './release-messages.js';
import { runWatchdog } from './watchdog.js';

/** Runs the thread this is called on (CELL-7). @throws Error where that is not a watchdog's */
export const runWatchdogThread = (clock: Clock): void => {
  process.on('uncaughtException', kill);
  if (parentPort === null || !isWatchdogData(workerData)) throw new Error('this thread is not a watchdog');
  runWatchdog({ data: workerData, port: parentPort, clock, kill });
};
