/** Cline: `mcpServers` of cline_mcp_settings.json in the storage of the VS Code extension; strict JSON. */
import { applicationSupport, COMMON, directoryFrom, type Client } from './client.js';

export const CLINE: Client = {
  ...COMMON,
  name: 'cline',
  title: 'Cline',
  format: 'json',
  container: 'mcpServers',
  files: (places) => [
    directoryFrom(
      places,
      'CLINE_MCP_SETTINGS_PATH',
      `${applicationSupport(places)}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json`,
    ),
  ],
  projectFile: null,
  commands: ['cline'],
  directories: (places) => [`${applicationSupport(places)}/Code/User/globalStorage/saoudrizwan.claude-dev`],
  entry: (launch) => ({ ...COMMON.entry(launch), disabled: false }),
  next: 'open the MCP servers of Cline and see that airlock is switched on',
};
