/** Cursor: `mcpServers` of ~/.cursor/mcp.json, or of .cursor/mcp.json in a project. */
import { COMMON, type Client } from './client.js';

export const CURSOR: Client = {
  ...COMMON,
  name: 'cursor',
  title: 'Cursor',
  format: 'jsonc',
  container: 'mcpServers',
  files: ({ home }) => [`${home}/.cursor/mcp.json`],
  projectFile: '.cursor/mcp.json',
  commands: ['cursor'],
  directories: ({ home }) => [`${home}/.cursor`],
  next: 'restart Cursor, or switch airlock on in its MCP settings',
};
