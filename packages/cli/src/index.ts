/** The `airlock` command of agents. */
export { buildProgram, PROGRAM } from './program.js';
export { run, type RunOptions } from './run.js';
