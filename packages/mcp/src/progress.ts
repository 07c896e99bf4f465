/** Progress of an upstream MCP server, on its way to the client that asked for it; nothing else of what it says during a call. */
import type { ExchangeChoice } from '@airlock/client';
import type { Json } from '@airlock/protocol';
import type { ServerContext } from '@modelcontextprotocol/server';

const METHOD = 'notifications/progress';

interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** The members of the protocol and no others; null where it says nothing. */
const progressOf = (params: Json): Progress | null => {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return null;
  const { progress, total, message } = params as Readonly<Record<string, Json>>;
  if (typeof progress !== 'number') return null;
  return {
    progress,
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
};

/** NET-12: for a request that asks for progress; undefined for any other. */
export const progressExchange = ({ mcpReq }: ServerContext): ExchangeChoice | undefined => {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return undefined;
  const onNotify = (method: string, params: Json): void => {
    const told = method === METHOD ? progressOf(params) : null;
    if (told === null) return;
    mcpReq.notify({ method: METHOD, params: { ...told, progressToken: token } }).catch(() => undefined);
  };
  return { mcp: { revision: mcpReq.envelope === undefined ? '2025-11-25' : '2026-07-28', progress: true }, onNotify };
};
