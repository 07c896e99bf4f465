#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../dist/src/launcher/bundle.cjs', import.meta.url));
if (!existsSync(entry)) {
  process.stderr.write('airlock: error: the development launcher is not built\nairlock: hint: npm run build\n');
  process.exit(1);
}
// Not `import`, which reads a whole CommonJS file for the names it exports: half of the start.
createRequire(import.meta.url)(entry);
