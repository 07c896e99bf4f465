/** Codex: a table `mcp_servers.NAME` of config.toml in CODEX_HOME (~/.codex). */
import { COMMON, directoryFrom, type Client } from './client.js';

export const CODEX: Client = {
  ...COMMON,
  name: 'codex',
  title: 'Codex',
  format: 'toml',
  container: 'mcp_servers',
  files: (places) => [`${directoryFrom(places, 'CODEX_HOME', `${places.home}/.codex`)}/config.toml`],
  projectFile: '.codex/config.toml',
  commands: ['codex'],
  directories: (places) => [directoryFrom(places, 'CODEX_HOME', `${places.home}/.codex`)],
  next: 'start a new Codex session (codex mcp list shows it)',
};
