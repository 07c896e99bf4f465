/** airlock-gateway for development: the same daemon, with a clock that a test gives, ending with its launcher. */
import { systemTimers } from '@airlock/protocol';
import { clockOf, endWithLauncher } from '@airlock/protocol/dev';
import { start } from '../start.js';

endWithLauncher();
void start(clockOf(process.env['AIRLOCK_DEV_CLOCK_FILE']), systemTimers);
