/** The watchdog of airlock-cell. */
import { systemClock } from '@airlock/protocol';
import { runWatchdogThread } from './run-watchdog.js';

runWatchdogThread(systemClock);
