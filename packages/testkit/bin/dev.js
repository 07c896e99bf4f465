#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/src/launcher/main.js', import.meta.url);
if (!existsSync(entry)) {
  process.stderr.write('airlock: error: the development launcher is not built\nairlock: hint: npm run build\n');
  process.exit(1);
}
await import(entry.href);
