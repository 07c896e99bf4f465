/** Claude Code: `mcpServers` of ~/.claude.json (user scope) or of a project's .mcp.json; strict JSON. */
import { COMMON, directoryFrom, type Client } from './client.js';

export const CLAUDE_CODE: Client = {
  ...COMMON,
  name: 'claude-code',
  title: 'Claude Code',
  format: 'json',
  container: 'mcpServers',
  files: (places) => [`${directoryFrom(places, 'CLAUDE_CONFIG_DIR', places.home)}/.claude.json`],
  projectFile: '.mcp.json',
  commands: ['claude'],
  directories: (places) => [directoryFrom(places, 'CLAUDE_CONFIG_DIR', `${places.home}/.claude`)],
  entry: (launch) => ({ type: 'stdio', ...COMMON.entry(launch) }),
  next: 'start a new Claude Code session (claude mcp list shows it)',
};
