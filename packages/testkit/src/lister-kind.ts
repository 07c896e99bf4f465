/** A kind whose services list operations of their own: a file of definitions, read anew for each list and watched for changes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from './instance.js';

/** One definition in the file; `raw` members overwrite what the connector would make of it. */
export interface ListedTool {
  readonly name: string;
  readonly readOnly?: boolean;
  readonly description?: string;
  readonly problem?: string;
  readonly raw?: object;
}

const MANIFEST = {
  connector: 1,
  kind: 'lister',
  title: 'Lister',
  module: 'lister',
  summary: 'Lists what a file says',
  settings: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: { path: { type: 'string', minLength: 1, maxLength: 1024 } },
  },
  credential: { fields: {}, named: { title: 'A header', pattern: '^[A-Za-z][A-Za-z0-9-]{0,40}$' } },
  destination: { path: '{path}' },
  listed: true,
  operations: [
    {
      ...{ name: 'own', class: 'read', outward: false, untrusted: false, summary: 'An operation of the kind' },
      params: { type: 'object', additionalProperties: false, properties: {} },
      result: { type: 'object' },
    },
  ],
};

const MODULE = `'use strict';
const { readFileSync } = require('node:fs');
const { createHash } = require('node:crypto');
const operationOf = ({ name, readOnly, description = 'Does ' + name, raw = {} }) => ({
  name, class: readOnly === true ? 'read' : 'write', outward: false, untrusted: false, summary: description.slice(0, 200), description,
  params: { type: 'object', additionalProperties: false, properties: { text: { type: 'string' } } }, result: { type: 'object' }, mcp: { name },
  ...raw,
});
const list = (path) => JSON.parse(readFileSync(path, 'utf8')).map((tool) => ({
  operation: operationOf(tool),
  hash: createHash('sha256').update(JSON.stringify(tool)).digest('hex'),
  ...(tool.problem === undefined ? {} : { problem: tool.problem }),
}));
/** Every change since it was begun is told, also one made before the first look. */
const watch = (path) => {
  let known = readFileSync(path, 'utf8');
  let timer;
  const look = (listener) => {
    const now = readFileSync(path, 'utf8');
    if (now === known) return;
    known = now;
    listener();
  };
  return {
    begin: (listener) => void (timer = setInterval(look, 20, listener)),
    end: () => clearInterval(timer),
  };
};
exports.connector = {
  open: async ({ destination, credential }) => {
    const watched = watch(destination.path);
    return {
      list: async () => list(destination.path),
      onListChanged: watched.begin,
      execute: async (operation, params) => ({ result: { operation, text: params.text ?? null, names: Object.keys(credential) }, count: 1 }),
      close: async () => watched.end(),
    };
  },
  test: async ({ destination }) => void list(destination.path),
};
`;

/** Writes the kind into `connectors/` below a configuration directory. */
export const installListerKind = (configDir: string): void => {
  const connectors = join(configDir, 'connectors');
  mkdirSync(connectors, { recursive: true, mode: 0o755 });
  writeFileSync(join(connectors, 'lister.json'), JSON.stringify(MANIFEST));
  writeFileSync(join(connectors, 'lister.cjs'), MODULE);
};

/** Adds a service that lists what the file says, approved with a fresh code. @returns what airlock-ctl printed */
export const addLister = async (
  running: Running,
  path: string,
  name = 'lister',
): Promise<{ status: number | null; stdout: string }> =>
  running.command('airlock-ctl', ['service', 'add', 'lister', '--name', name, '--set', `path=${path}`, '--stdin', '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
