#!/usr/bin/env node
// Tracked, so that npm can link it before anything is built: runs the bundle of the checkout, else the compiled main.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = ['../../../dist/lib/airlock.cjs', '../dist/src/main.js'].map((path) => new URL(path, import.meta.url));
const entry = built.find((url) => existsSync(fileURLToPath(url)));
if (entry === undefined) {
  process.stderr.write('airlock: error: not built yet\nairlock: hint: run in the checkout: npm run build\n');
  process.exitCode = 5;
} else {
  await import(entry.href);
}
