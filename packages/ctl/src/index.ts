/** What other packages may use of airlock-ctl: the configuration compiler. */
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
