/** A home of its own for each test, and `airlock mcp …` in it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { airlock, type Outcome } from './command.js';

export interface ClientHome {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Path below the home. */
  at(path: string): string;
  write(path: string, text: string): string;
  read(path: string): string;
  /** Names in the directory of a file. */
  beside(path: string): readonly string[];
  mcp(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
}

export const clientHome = (test: Test): ClientHome => {
  const home = mkdtempSync(join(tmpdir(), 'clients-'));
  test.teardown(() => rmSync(home, { recursive: true, force: true }));
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  const at = (path: string): string => join(home, path);
  return {
    home,
    env,
    at,
    write: (path, text) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
      return at(path);
    },
    read: (path) => readFileSync(at(path), 'utf8'),
    beside: (path) => readdirSync(dirname(at(path))).sort(),
    mcp: (argv, more = {}) => airlock(['mcp', ...argv], { env: { ...env, ...more } }),
  };
};

/** Runs before the command: `code` sees `fs`, and named imports of it follow. */
export const preload = (path: string, code: string): Readonly<Record<string, string>> => {
  writeFileSync(path, `const fs = require('node:fs');\n${code}\nrequire('node:module').syncBuiltinESMExports();\n`);
  return { NODE_OPTIONS: `--require ${path}` };
};
