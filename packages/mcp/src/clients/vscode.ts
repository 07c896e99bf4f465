/** VS Code: `servers` of mcp.json in the user's profile, or of .vscode/mcp.json in a project; JSON with comments. */
import { applicationSupport, COMMON, type Client } from './client.js';

export const VSCODE: Client = {
  ...COMMON,
  name: 'vscode',
  title: 'VS Code',
  format: 'jsonc',
  container: 'servers',
  files: (places) => [`${applicationSupport(places)}/Code/User/mcp.json`],
  projectFile: '.vscode/mcp.json',
  commands: ['code'],
  directories: (places) => [`${applicationSupport(places)}/Code`],
  entry: (launch) => ({ type: 'stdio', ...COMMON.entry(launch) }),
  next: 'run "MCP: List Servers" in VS Code and start airlock',
};
