/** The `airlock` command of agents. */
export { buildProgram } from './program.js';
export { run, type RunOptions } from './run.js';
