/**
 * Compiles SCHEMAS (dist/src/schemas.js) into dist/src/generated/validators.js: one ES module without imports,
 * so that it runs with --disallow-code-generation-from-strings. Run after tsc.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import Ajv from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { buildSync } from 'esbuild';
import { SCHEMAS } from './dist/src/schemas.js';

const here = import.meta.dirname;
const outDir = `${here}/dist/src/generated`;

// verbose: validate.ts names what was allowed. No $data: a caller must never choose the rule it is checked by.
const ajv = new Ajv.default({
  strict: true,
  strictRequired: false,
  strictTypes: 'log',
  allErrors: false,
  verbose: true,
  allowUnionTypes: true,
  $data: false,
  validateFormats: false,
  code: { source: true, esm: true, optimize: true },
  logger: {
    log() {},
    warn(text) {
      throw new Error(text);
    },
    error(text) {
      throw new Error(text);
    },
  },
});

const names = Object.keys(SCHEMAS);
const exportOf = {};
for (const [index, name] of names.entries()) {
  // A copy: methods may share one schema object, which ajv would compile under one name twice.
  ajv.addSchema(structuredClone(SCHEMAS[name]), name);
  exportOf[`v${index}`] = name;
}
const code = standalone.default(ajv, exportOf);
const table = names.map((name, index) => `${JSON.stringify(name)}: v${index},`).join('\n');

const { outputFiles, errors } = buildSync({
  stdin: { contents: `${code}\nexport const validators = Object.freeze({ __proto__: null, ${table} });`, resolveDir: here },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'node20',
  write: false,
  treeShaking: true,
  external: [],
});
if (errors.length > 0) throw new Error('esbuild failed');

// Renamed into place, so that another process never loads a half-written file.
mkdirSync(outDir, { recursive: true });
writeFileSync(`${outDir}/validators.js.new`, outputFiles[0].contents);
renameSync(`${outDir}/validators.js.new`, `${outDir}/validators.js`);
copyFileSync(`${here}/src/generated/validators.d.ts`, `${outDir}/validators.d.ts`);
console.log(`${names.length} validators, ${outputFiles[0].contents.length} bytes`);
