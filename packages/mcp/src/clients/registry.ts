/** All clients by name. */
import { CLAUDE_CODE } from './claude-code.js';
import { CLAUDE_DESKTOP } from './claude-desktop.js';
import type { Client } from './client.js';
import { CLINE } from './cline.js';
import { CODEX } from './codex.js';
import { CURSOR } from './cursor.js';
import { GEMINI } from './gemini.js';
import { GOOSE } from './goose.js';
import type { ClientName } from './names.js';
import { OPENCODE } from './opencode.js';
import { VSCODE } from './vscode.js';
import { ZED } from './zed.js';

export const CLIENTS: Readonly<Record<ClientName, Client>> = {
  'claude-code': CLAUDE_CODE,
  'claude-desktop': CLAUDE_DESKTOP,
  codex: CODEX,
  cursor: CURSOR,
  vscode: VSCODE,
  gemini: GEMINI,
  zed: ZED,
  opencode: OPENCODE,
  goose: GOOSE,
  cline: CLINE,
};
