/** Gemini CLI: `mcpServers` of ~/.gemini/settings.json, or of .gemini/settings.json in a project; comments, no trailing commas. */
import { COMMON, type Client } from './client.js';

export const GEMINI: Client = {
  ...COMMON,
  name: 'gemini',
  title: 'Gemini CLI',
  format: 'json-comments',
  container: 'mcpServers',
  files: ({ home }) => [`${home}/.gemini/settings.json`],
  projectFile: '.gemini/settings.json',
  commands: ['gemini'],
  directories: ({ home }) => [`${home}/.gemini`],
  next: 'start Gemini CLI again (gemini mcp list shows it)',
};
