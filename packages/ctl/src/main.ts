/** airlock-ctl: the operator's command. */
import { runProgram } from './program.js';
import { processTerminal } from './terminal/terminal.js';
import { VERSION } from './version.js';

// A reader that goes away (`| head`) ends the command quietly.
process.stdout.on('error', () => process.exit(0));

const terminal = processTerminal();
void runProgram({ argv: process.argv.slice(2), env: process.env, terminal, version: VERSION }).then((status) => {
  terminal.close();
  process.exitCode = status;
  // An open socket or a terminal must not keep a finished command alive.
  setTimeout(() => process.exit(status), 50).unref();
});
