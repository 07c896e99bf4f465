// Builds everything: TypeScript, compiled validators, then one CommonJS bundle a program below dist/lib.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { basename, join } from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'dist/lib');
const at = (...parts) => join(root, ...parts);

const run = (...args) => {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error(`build: failed: ${args.join(' ')}${error ? `: ${error.message}` : ''}`);
    process.exit(1);
  }
};

/** Program name → compiled entry point. `dev/` carries the overrides that production must not contain. */
const programs = {
  'airlock-totp': 'packages/totp/dist/src/main.js',
  'airlock-gateway': 'packages/gateway/dist/src/main.js',
  'airlock-cell': 'packages/cell/dist/src/main.js',
  'airlock-cell-watchdog': 'packages/cell/dist/src/main-watchdog.js',
  'airlock-mcp-host': 'packages/mcp-host/dist/src/main.js',
  'airlock-export': 'packages/export/dist/src/main.js',
  'airlock-presence': 'packages/presence/dist/src/main.js',
  'airlock-ctl': 'packages/ctl/dist/src/main.js',
  airlock: 'packages/cli/dist/src/main.js',
  'dev/airlock-totp': 'packages/totp/dist/src/dev/main.js',
  'dev/airlock-gateway': 'packages/gateway/dist/src/dev/main.js',
  'dev/airlock-cell': 'packages/cell/dist/src/dev/main.js',
  'dev/airlock-cell-watchdog': 'packages/cell/dist/src/dev/main-watchdog.js',
  'dev/airlock-presence': 'packages/presence/dist/src/dev/main.js',
};

const bundle = async (esbuild, entry, outfile) => {
  if (!existsSync(at(entry))) throw new Error(`no compiled entry ${entry}`);
  await esbuild.build({
    entryPoints: [at(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    legalComments: 'none',
    // Its main file asks for its parts at run time, where a bundle has none.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    logLevel: 'warning',
    // Bundled ES modules ask for import.meta.url; a CommonJS file has __filename instead.
    define: { 'import.meta.url': '__bundle_url' },
    banner: { js: 'const __bundle_url = require("node:url").pathToFileURL(__filename).href;' },
  });
  inAscii(outfile);
};

/**
 * V8 keeps the text of a program, and one sign beyond Latin-1, if only in a comment, makes it two bytes each. esbuild writes strings in ASCII, but leaves
 * patterns and comments, where an escape stands for the same sign.
 */
const inAscii = (file) => {
  const text = readFileSync(file, 'utf8');
  const escaped = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (escaped !== text) writeFileSync(file, escaped);
};

/** Each connector package brings manifests/KIND.json and one module, which is bundled to MODULE.cjs beside them. */
const connectors = async (esbuild) => {
  const out = join(lib, 'connectors');
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(at('packages/connectors'))) {
    const folder = at('packages/connectors', name);
    if (!existsSync(join(folder, 'manifests'))) continue;
    for (const file of readdirSync(join(folder, 'manifests'))) cpSync(join(folder, 'manifests', file), join(out, basename(file)));
    await bundle(esbuild, `packages/connectors/${name}/dist/src/index.js`, join(out, `${name}.cjs`));
  }
};

// The types of the validators come before the compiler: what it cannot find it takes for `any`, once, in a tree that was never built.
mkdirSync(at('packages/protocol/dist/src/generated'), { recursive: true });
cpSync(at('packages/protocol/src/generated/validators.d.ts'), at('packages/protocol/dist/src/generated/validators.d.ts'));
run('node_modules/typescript/bin/tsc', '--build', 'packages');
run('packages/protocol/compile-validators.mjs');
const esbuild = await import('esbuild');
rmSync(lib, { recursive: true, force: true });
for (const [name, entry] of Object.entries(programs)) await bundle(esbuild, entry, join(lib, `${name}.cjs`));
await connectors(esbuild);
// In one file the development launcher starts in a third of the time, and the tests start it some hundred times.
await bundle(esbuild, 'packages/testkit/dist/src/launcher/main.js', at('packages/testkit/dist/src/launcher/bundle.cjs'));
cpSync(at('policies'), join(lib, 'policies'), { recursive: true });
mkdirSync(join(lib, 'dev'), { recursive: true });
