/** The shape of Airlock's own tools. */
import type { CallToolResult, ServerContext, Tool } from '@modelcontextprotocol/server';
import type { Arguments } from '../arguments.js';
import type { Broker } from '../broker.js';

export interface OwnTool {
  readonly definition: Tool & Required<Pick<Tool, 'title' | 'outputSchema' | 'annotations'>>;
  /** What it throws becomes the error result. */
  run(broker: Broker, args: Arguments, context: ServerContext): Promise<CallToolResult>;
}

/** A closed object schema. */
export const closedSchema = (properties: Record<string, object>, required: string[]): Tool['inputSchema'] =>
  ({ type: 'object', additionalProperties: false, properties, required }) as Tool['inputSchema'];
