#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../../../dist/lib/airlock-ctl.cjs', import.meta.url));
if (!existsSync(bundle)) {
  process.stderr.write('airlock: error: airlock-ctl is not built\nairlock: hint: npm run build\n');
  process.exit(1);
}
createRequire(import.meta.url)(bundle);
