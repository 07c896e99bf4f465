/** airlock-cell: one process for one lease and one service. Its second thread starts in main-watchdog.ts. */
import { systemClock } from '@airlock/protocol';
import { runCell } from './main-thread.js';

runCell({ entry: import.meta.url, clock: systemClock });
