/** Zed: `context_servers` of settings.json; comments and trailing commas. */
import { COMMON, type Client } from './client.js';

export const ZED: Client = {
  ...COMMON,
  name: 'zed',
  title: 'Zed',
  format: 'jsonc',
  container: 'context_servers',
  // On macOS too Zed keeps its settings below ~/.config.
  files: ({ home, configHome, platform }) => [`${platform === 'darwin' ? `${home}/.config` : configHome}/zed/settings.json`],
  projectFile: '.zed/settings.json',
  commands: ['zed', 'zeditor'],
  directories: ({ home, configHome, platform }) => [`${platform === 'darwin' ? `${home}/.config` : configHome}/zed`],
  // Older releases ask for `source`; newer ones leave it unread.
  entry: (launch) => ({ source: 'custom', ...COMMON.entry(launch) }),
  next: 'nothing: Zed reads its settings when they change (agent panel, settings, MCP servers)',
};
