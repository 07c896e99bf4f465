/** The clients that `airlock mcp connect` knows, by the name typed for them; alone, so that completion loads no parser. */
export const CLIENT_NAMES = [
  'claude-code',
  'claude-desktop',
  'codex',
  'cursor',
  'vscode',
  'gemini',
  'zed',
  'opencode',
  'goose',
  'cline',
] as const;

export type ClientName = (typeof CLIENT_NAMES)[number];
