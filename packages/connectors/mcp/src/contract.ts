/** What this connector gives to and takes from a cell beyond what every connector does (docs/spec/upstream.md). */
import type { ConnectorContext, ConnectorSession, Json, OperationContext, OperationManifest, Origin } from '@airlock/protocol';

export type Revision = '2025-11-25' | '2026-07-28';
export type Members = Readonly<Record<string, Json>>;

/** What the caller's client said of itself, and how to reach it while the call lasts. */
export interface Exchange {
  readonly mcp: Json;
  notify(method: string, params: Json): void;
  /** @throws where the client refuses or the call ends */
  ask(method: string, params: Json): Promise<Json>;
}

export interface McpContext extends ConnectorContext {
  /** What the server says outside of a call. */
  readonly emit?: (event: Json) => void;
  /** Where the host of this cell's slot listens. */
  readonly hostSocket?: string;
}

export interface McpOperationContext extends OperationContext {
  readonly exchange?: Exchange;
}

export interface Listed {
  readonly operation: OperationManifest & { readonly description?: string; readonly mcp?: Members };
  readonly hash: string;
  readonly problem?: string;
}

export interface McpSession extends ConnectorSession {
  list(): Promise<readonly Listed[]>;
  onListChanged(listener: () => void): void;
  /** The end of what a program wrote to stderr; in no answer (UPSTREAM-7). */
  stderr(): string;
}

/** Where the server is: a program of this machine and what it may reach, or a URL. */
export type Place =
  | { readonly kind: 'program'; readonly program: string; readonly origins: readonly Origin[] }
  | { readonly kind: 'url'; readonly url: string; readonly origins: readonly Origin[] };

/** What is known of the caller's client, read without trust; null where nobody can be asked. */
export interface Caller {
  readonly revision: Revision;
  readonly capabilities: Members;
  readonly meta: Members;
  readonly progress: boolean;
  readonly inputResponses?: Json;
  readonly requestState?: Json;
  readonly exchange: Exchange;
}

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const membersOr = (value: Json | undefined): Members => (isMembers(value) ? value : {});

export const callerOf = (exchange: Exchange | undefined): Caller | null => {
  if (exchange === undefined || !isMembers(exchange.mcp)) return null;
  const { revision, capabilities, meta, progress, inputResponses, requestState } = exchange.mcp;
  return {
    revision: revision === '2026-07-28' ? revision : '2025-11-25',
    capabilities: membersOr(capabilities),
    meta: membersOr(meta),
    progress: progress === true,
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(requestState === undefined ? {} : { requestState }),
    exchange,
  };
};
