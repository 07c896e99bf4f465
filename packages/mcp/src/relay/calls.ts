/** What the relay needs of the rest of Airlock: the tools of one service, and calls on their way to it. */
import type { CallToolResult, ServerContext, Tool } from '@modelcontextprotocol/server';
import type { ExchangeMcp, Json, Params } from '@airlock/protocol';
import type { CallExtras } from '../extras.js';
import type { Answer } from '../in-band.js';

export type Members = Readonly<Record<string, unknown>>;
export type Revision = '2025-11-25' | '2026-07-28';

/** A tool of the upstream server under its own name, and the operation that it became. */
export interface RelayedTool {
  readonly operation: string;
  readonly definition: Tool;
}

/** What a call carries of the client it is for, and what may happen while it runs. */
export interface Exchange {
  readonly mcp: ExchangeMcp;
  readonly onNotify: (method: string, params: Members) => void;
  /** Rejects where the client cannot be asked, or does not answer. */
  readonly onAsk: (method: string, params: Members) => Promise<Json>;
}

export interface CallOptions {
  /** A lease of the caller's own, and what the call is for. */
  readonly extras: CallExtras;
  readonly exchange: Exchange;
  readonly signal: AbortSignal;
}

/** One service of kind `mcp` or `mcp-url`. */
export interface RelayCalls {
  /** By the upstream's own name. @throws AirlockError UNAVAILABLE … */
  tools(): Promise<ReadonlyMap<string, RelayedTool>>;
  tool(name: string): Promise<RelayedTool | undefined>;
  /** @returns the result object of the upstream. @throws AirlockError as the gateway, the cell or the upstream refuses. */
  call(operation: string, params: Params, options: CallOptions): Promise<Json>;
  /** A refusal as a tool's result, with what to do next. */
  refusal(thrown: unknown, operation: string, caller: { readonly extras: CallExtras }): Promise<CallToolResult>;
  /** Calls `listener` with what the service says outside of calls; answers with what ends that. */
  listen(listener: (method: string, params: Members) => void): () => void;
}

/** Airlock's own tools, which stand beside those of every service. */
export interface OwnSide {
  readonly definitions: readonly Tool[];
  /** Null where there is no such tool; never throws. */
  run(name: string, args: Members, context: ServerContext): Promise<Answer> | null;
}

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
