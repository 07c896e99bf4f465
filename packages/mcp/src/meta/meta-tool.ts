/** The shape of the meta-tools: they look at the catalogue of one endpoint, and run what is in it. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Arguments } from '../arguments.js';
import type { Broker } from '../broker.js';
import { partFor, type Catalogue } from '../catalogue.js';
import type { CallExtras } from '../extras.js';
import type { Surface } from '../surface.js';
import type { OwnTool } from '../tools/own-tool.js';

export interface MetaTool {
  readonly definition: OwnTool['definition'];
  /** What it throws becomes the error result. */
  run(broker: Broker, args: Arguments, surface: Surface, extras: CallExtras): Promise<CallToolResult>;
}

/** What this endpoint shows of the catalogue. @throws AirlockError UNAVAILABLE … */
export const catalogueOf = async (broker: Broker, surface: Surface): Promise<Catalogue> =>
  partFor(await broker.catalogue(), surface);

export const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
