#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/src/demo/main.js', import.meta.url);
if (!existsSync(entry)) {
  process.stderr.write('airlock: error: the demo is not built\nairlock: hint: ./install.sh --demo builds and runs it\n');
  process.exit(1);
}
await import(entry.href);
