/**
 * tools/list with all its pages, as operations.
 *
 * UPSTREAM-8  Pages, tools and bytes are bounded, and a cursor that comes twice is refused.
 */
import type { Json } from '@airlock/protocol';
import { isMembers, type Listed, type Members } from './contract.js';
import { refused } from './errors.js';
import { MCP_LIMITS } from './limits.js';
import { operationNames } from './names.js';
import { listedOf } from './tool.js';

/** A listed operation, and what its call needs. */
export interface Tool {
  readonly listed: Listed;
  /** The server's own name of it. */
  readonly name: string;
  /** As the server gave it. */
  readonly inputSchema: Json;
}

type Ask = (method: string, params: Members) => Promise<Json>;

const hasName = (tool: unknown): tool is Members & { readonly name: string } =>
  isMembers(tool) && typeof tool['name'] === 'string';

/** @throws AirlockError UPSTREAM_REFUSED not_mcp, cursor_loop, too_many_tools; what `ask` throws */
export const allTools = async (ask: Ask): Promise<readonly (Members & { readonly name: string })[]> => {
  const tools: (Members & { readonly name: string })[] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined, page = 0; page < MCP_LIMITS.maxPages; page += 1) {
    const result = await ask('tools/list', cursor === undefined ? {} : { cursor });
    if (!isMembers(result) || !Array.isArray(result['tools'])) throw refused('not_mcp');
    tools.push(...(result['tools'] as unknown[]).filter(hasName));
    if (tools.length > MCP_LIMITS.maxTools) throw refused('too_many_tools');
    const { nextCursor } = result;
    if (typeof nextCursor !== 'string' || nextCursor === '') return tools;
    if (seen.has(nextCursor)) throw refused('cursor_loop');
    seen.add(nextCursor);
    cursor = nextCursor;
  }
  throw refused('too_many_tools');
};

/** @throws AirlockError UPSTREAM_REFUSED too_many_tools where all of it fits no frame */
export const operationsOf = (tools: readonly (Members & { readonly name: string })[], hasNetwork: boolean): readonly Tool[] => {
  const counts = new Map<string, number>();
  for (const { name } of tools) counts.set(name, (counts.get(name) ?? 0) + 1);
  const first = [...new Map(tools.map((tool) => [tool.name, tool])).values()];
  const names = operationNames(first.map(({ name }) => name));
  const made = first.map((tool, index) => ({
    listed: listedOf(tool, { name: names[index] ?? '', hasNetwork, isTwice: (counts.get(tool.name) ?? 0) > 1 }),
    name: tool.name,
    inputSchema: tool['inputSchema'] ?? {},
  }));
  const bytes = made.reduce((sum, { listed }) => sum + JSON.stringify(listed).length, 0);
  if (bytes > MCP_LIMITS.maxListBytes) throw refused('too_many_tools');
  return made;
};
