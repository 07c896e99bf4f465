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
  allErrors: false,
  verbose: true,
  messages: false,
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

// Schemas with the same text share one function; ajv itself confuses names that share one schema object.
const exportOf = {};
const exportByText = new Map();
const rows = [];
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const text = JSON.stringify(schema);
  if (!exportByText.has(text)) {
    const exported = `v${exportByText.size}`;
    exportByText.set(text, exported);
    ajv.addSchema(JSON.parse(text), name);
    exportOf[exported] = name;
  }
  rows.push(`${JSON.stringify(name)}: ${exportByText.get(text)},`);
}
const code = standalone.default(ajv, exportOf);
const contents = `${code}\nexport const validators = Object.freeze({ __proto__: null,\n${rows.join('\n')}\n});\n`;

const { outputFiles } = buildSync({
  stdin: { contents, resolveDir: here },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'node20',
  write: false,
  treeShaking: true,
  // A third of every bundle: the smaller, the sooner it is loaded.
  minify: true,
  logLevel: 'silent',
});

// Renamed into place, so that another process never loads a half-written file.
mkdirSync(outDir, { recursive: true });
writeFileSync(`${outDir}/validators.js.new`, outputFiles[0].contents);
renameSync(`${outDir}/validators.js.new`, `${outDir}/validators.js`);
copyFileSync(`${here}/src/generated/validators.d.ts`, `${outDir}/validators.d.ts`);
console.log(`${rows.length} validators, ${outputFiles[0].contents.length} bytes`);
