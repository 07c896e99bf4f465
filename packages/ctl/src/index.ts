/** What other packages may use of airlock-ctl: the configuration compiler, the command table and its manual, the probes of the walls, and for tests the program with a terminal of their own. */
export { runProgram } from './program.js';
export type { Terminal } from './terminal/terminal.js';
export {
  compileConfig,
  parseRolesFile,
  parseYamlConfig,
  readConfig,
  replaceFile,
  ROLES_FILE,
  YAML_FILE,
  type RolesFile,
} from './config/compile.js';
export { findAccount, type Account } from './accounts.js';
export { allProbes, harmlessProbes, type Probe, type Targets } from './attack/list.js';
export { tryAll, tryProbe, type Tried } from './attack/run.js';
export { moreSockets, UNITS } from './attack/targets.js';
export { manualPages } from './manual/pages.js';
export { PROGRAM } from './program.js';
export { verifyBundle, type BundleVerdict } from './audit/bundle.js';
export { readBundle } from './audit/bundle-files.js';
