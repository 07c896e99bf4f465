/** airlock-gateway, production. */
import { systemClock, systemTimers } from '@airlock/protocol';
import { start } from './start.js';

void start(systemClock, systemTimers);
