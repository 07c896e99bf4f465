/** Airlock's own tools, in the order they are listed. */
import { claimTool } from './claim.js';
import { narrowLeaseTool } from './narrow-lease.js';
import type { OwnTool } from './own-tool.js';
import { releaseTool } from './release.js';
import { requestAccessTool } from './request-access.js';
import { resultTool } from './result.js';
import { statusTool } from './status.js';
import { waitTool } from './wait.js';

export const OWN_TOOLS: readonly OwnTool[] = [
  statusTool,
  requestAccessTool,
  waitTool,
  resultTool,
  claimTool,
  narrowLeaseTool,
  releaseTool,
];
