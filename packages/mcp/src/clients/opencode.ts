/** opencode: `mcp` of opencode.json or opencode.jsonc; the command is one list. */
import { launchFromList, type Client } from './client.js';

export const OPENCODE: Client = {
  name: 'opencode',
  title: 'opencode',
  format: 'jsonc',
  container: 'mcp',
  files: ({ configHome }) => [`${configHome}/opencode/opencode.jsonc`, `${configHome}/opencode/opencode.json`],
  projectFile: 'opencode.json',
  commands: ['opencode'],
  directories: ({ configHome }) => [`${configHome}/opencode`],
  entry: ({ command, args, env }) => ({ type: 'local', command: [command, ...args], environment: env, enabled: true }),
  envMember: 'environment',
  launchOf: (entry) => launchFromList(entry, 'command', 'environment'),
  next: 'start opencode again (opencode mcp list shows it)',
};
