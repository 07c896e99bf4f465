/** airlock-gateway, production. */
import { systemClock, systemTimers } from '@airlock/protocol';
import { start } from './start.js';

start(systemClock, systemTimers).catch((thrown: unknown) => {
  process.stderr.write(`airlock-gateway: ${thrown instanceof Error ? thrown.message : 'it cannot start'}\n`);
  process.exitCode = 1;
});
