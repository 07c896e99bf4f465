/** airlock-cell with the development override: AIRLOCK_DEV_CLOCK_FILE moves the clock of both threads. */
import { systemClock } from '@airlock/protocol';
import { runCell } from '../run.js';
import { fileClock } from './clock-file.js';

const file = process.env['AIRLOCK_DEV_CLOCK_FILE'];
runCell({ entry: import.meta.url, clock: file === undefined ? systemClock : fileClock(file) });
