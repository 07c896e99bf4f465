/** Goose: `extensions` of config.yaml. */
import { launchFrom, type Client } from './client.js';

/** Seconds Goose waits for one call; airlock_wait takes at most 50 (docs/spec/mcp.md, MCP-5). */
const TIMEOUT_S = 300;

export const GOOSE: Client = {
  name: 'goose',
  title: 'Goose',
  format: 'yaml',
  container: 'extensions',
  files: ({ configHome }) => [`${configHome}/goose/config.yaml`],
  projectFile: null,
  commands: ['goose'],
  directories: ({ configHome }) => [`${configHome}/goose`],
  entry: ({ command, args, env }, name) => ({
    name,
    type: 'stdio',
    cmd: command,
    args,
    envs: env,
    enabled: true,
    timeout: TIMEOUT_S,
  }),
  envMember: 'envs',
  launchOf: (entry) => launchFrom(entry, 'cmd', 'args', 'envs'),
  next: 'start a new Goose session',
};
