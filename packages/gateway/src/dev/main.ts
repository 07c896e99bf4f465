/** airlock-gateway for development: the same daemon, with a clock that a test gives, ending with its launcher. */
import { fstatSync } from 'node:fs';
import { systemTimers } from '@airlock/protocol';
import { start } from '../start.js';
import { clockOf } from './clock-file.js';

const STDIN = 0;
const stdin = fstatSync(STDIN);
// The launcher's pipe: its end is the launcher's.
if (stdin.isFIFO() || stdin.isSocket()) process.stdin.resume().on('end', () => process.kill(process.pid, 'SIGTERM'));

start(clockOf(process.env['AIRLOCK_DEV_CLOCK_FILE']), systemTimers).catch((thrown: unknown) => {
  process.stderr.write(`airlock-gateway: ${thrown instanceof Error ? thrown.message : 'it cannot start'}\n`);
  process.exitCode = 1;
});
