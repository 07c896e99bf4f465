/** The command table of `airlock`: the program, its help, completion and manual page are made from it. */
import { CALL } from './call.js';
import { CLAIM } from './claim.js';
import type { Command } from './command.js';
import { LEASE_NARROW } from './lease-narrow.js';
import { MCP_CONNECT, MCP_DISCONNECT } from './mcp-connect.js';
import { MCP_LS, MCP_PRINT } from './mcp-list.js';
import { MCP } from './mcp.js';
import { RELEASE } from './release.js';
import { REQUEST } from './request.js';
import { RESULT } from './result.js';
import { ROLE_COMMANDS } from './role.js';
import { SERVICES } from './services.js';
import { STATUS } from './status.js';
import { WAIT } from './wait.js';

export const COMMANDS: readonly Command[] = [
  REQUEST,
  WAIT,
  CLAIM,
  RELEASE,
  CALL,
  RESULT,
  SERVICES,
  STATUS,
  ...ROLE_COMMANDS,
  LEASE_NARROW,
  MCP,
  MCP_CONNECT,
  MCP_DISCONNECT,
  MCP_LS,
  MCP_PRINT,
];
