/** `tools.search` and `tools.describe`: operations with the JSON Schema of their parameters and results. */
import type { ToolDescription } from '@airlock/protocol';
import { readList } from '../answer.js';
import type { Caller } from './caller.js';

const SHAPE = { service: 'string', name: 'string', class: 'string', params: 'object', result: 'object' } as const;

export const toolsSearch = async (caller: Caller, query: string): Promise<readonly ToolDescription[]> =>
  readList('tools.search', await caller.call('tools.search', { query }), SHAPE);

/** Names are `service.operation`. At most 64 at once. */
export const toolsDescribe = async (caller: Caller, names: readonly string[]): Promise<readonly ToolDescription[]> =>
  readList('tools.describe', await caller.call('tools.describe', { names }), SHAPE);
