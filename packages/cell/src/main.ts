/** airlock-cell: one process for one lease and one service. Both threads start here. */
import { systemClock } from '@airlock/protocol';
import { runCell } from './run.js';

runCell({ entry: import.meta.url, clock: systemClock });
