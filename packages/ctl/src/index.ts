/** What other packages may use of airlock-ctl: the configuration compiler and the command table. */
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
export { manualPages } from './manual/pages.js';
export { PROGRAM } from './program.js';
