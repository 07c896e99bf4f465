/** The meta-tools, in the order they are listed. */
import { activateSkillTool } from './activate-skill.js';
import { describeToolsTool } from './describe-tools.js';
import { executeToolTool } from './execute-tool.js';
import { listServicesTool } from './list-services.js';
import type { MetaTool } from './meta-tool.js';
import { searchToolsTool } from './search-tools.js';

export const META_TOOLS: readonly MetaTool[] = [
  listServicesTool,
  searchToolsTool,
  describeToolsTool,
  executeToolTool,
  activateSkillTool,
];
