/** Both threads of a cell start here, from one file: the bundle is one file. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { kill } from './kill.js';
import type { CellOptions } from './main-thread.js';
import { isWatchdogData } from './release-messages.js';
import { runWatchdog } from './watchdog.js';

/** CELL-7 */
const runWorker = ({ clock }: CellOptions): void => {
  process.on('uncaughtException', kill);
  if (parentPort === null || !isWatchdogData(workerData)) throw new Error('this thread is not a watchdog');
  runWatchdog({ data: workerData, port: parentPort, clock, kill });
};

/** Runs the thread this is called on: the cell, or its watchdog. Ends by ending the process. */
export const runCell = (options: CellOptions): void => {
  if (!isMainThread) return runWorker(options);
  // Loaded here and not above: the watchdog does without vault, guard and ajv.
  void import('./main-thread.js').then(({ runMainThread }) => runMainThread(options));
};
