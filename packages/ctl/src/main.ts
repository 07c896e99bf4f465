/** airlock-ctl: the operator's command. */
import { endWithOutput } from '@airlock/protocol/command';
import { runProgram } from './program.js';
import { processTerminal } from './terminal/terminal.js';
import { VERSION } from './version.js';

endWithOutput();

const terminal = processTerminal();
void runProgram({ argv: process.argv.slice(2), env: process.env, terminal, version: VERSION }).then((status) => {
  terminal.close();
  process.exitCode = status;
  // An open socket or a terminal must not keep a finished command alive.
  setTimeout(() => process.exit(status), 50).unref();
});
