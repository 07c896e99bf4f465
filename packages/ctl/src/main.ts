/** airlock-ctl: the operator's command. */
import { runProgram } from './program.js';
import { processTerminal } from './terminal/terminal.js';
import { VERSION } from './version.js';

// A reader that goes away (`| head`) ends the command quietly; a disk that takes nothing of what was to be written there does not.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(`airlock: error: what was to be printed is lost: stdout cannot be written (${code ?? 'unknown'})\n`);
  process.exit(1);
});

const terminal = processTerminal();
void runProgram({ argv: process.argv.slice(2), env: process.env, terminal, version: VERSION }).then((status) => {
  terminal.close();
  process.exitCode = status;
  // An open socket or a terminal must not keep a finished command alive.
  setTimeout(() => process.exit(status), 50).unref();
});
