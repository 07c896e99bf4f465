/** The watchdog of airlock-cell with the development override. */
import { clockOf } from '@airlock/protocol/dev';
import { runWatchdogThread } from '../run-watchdog.js';

runWatchdogThread(clockOf(process.env['AIRLOCK_DEV_CLOCK_FILE']));
