/** airlock-cell with the development override: AIRLOCK_DEV_CLOCK_FILE moves the clock of both threads. */
import { clockOf, endWithLauncher } from '@airlock/protocol/dev';
import { runCell } from '../main-thread.js';

endWithLauncher();
runCell({ entry: import.meta.url, clock: clockOf(process.env['AIRLOCK_DEV_CLOCK_FILE']) });
