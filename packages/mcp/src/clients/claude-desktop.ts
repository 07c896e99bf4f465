/** Claude Desktop: `mcpServers` of claude_desktop_config.json; strict JSON. */
import { applicationSupport, COMMON, type Client } from './client.js';

export const CLAUDE_DESKTOP: Client = {
  ...COMMON,
  name: 'claude-desktop',
  title: 'Claude Desktop',
  format: 'json',
  container: 'mcpServers',
  files: (places) => [`${applicationSupport(places)}/Claude/claude_desktop_config.json`],
  projectFile: null,
  commands: ['claude-desktop'],
  directories: (places) => [`${applicationSupport(places)}/Claude`],
  next: 'quit Claude Desktop wholly and start it again',
};
