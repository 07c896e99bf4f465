/** The client behind one request: what it can do, what it wants to be told, and how it is asked. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  LOG_LEVEL_META_KEY,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ExchangeMcp, Json } from '@airlock/protocol';
import { takeExtras, type CallExtras } from '../extras.js';
import { isMembers, type Members, type Revision } from './calls.js';
import { isLevel, isWanted } from './levels.js';

/** A person may have to read and type: as long as the SDK waits for its own questions. */
const ASK_TIMEOUT_MS = 600_000;
/** What 2025-11-25 leaves to the server; a client that wants less says so. */
const DEFAULT_LEVEL = 'info';

const CAPABILITY: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** MCP-8: what is for Airlock goes no further. */
const forUpstream = (meta: Members): Members =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith('airlock/')));

export class Peer {
  readonly revision: Revision;
  readonly #context: ServerContext;
  readonly #server: McpServer['server'];
  readonly #sessionLevel: string | undefined;

  /** @param sessionLevel what logging/setLevel asked for on this connection. */
  constructor(server: McpServer['server'], context: ServerContext, sessionLevel: string | undefined) {
    this.#server = server;
    this.#context = context;
    this.#sessionLevel = sessionLevel;
    this.revision = this.#envelope === undefined ? '2025-11-25' : '2026-07-28';
  }

  get signal(): AbortSignal {
    return this.#context.mcpReq.signal;
  }

  get inputResponses(): Members | undefined {
    return this.#context.mcpReq.inputResponses;
  }

  get requestState(): string | undefined {
    return this.#context.mcpReq.requestState<string>();
  }

  /** A lease of the caller's own, and what the call is for. @throws AirlockError LEASE_INVALID, PARAMS_INVALID, CODE_ON_AGENT_SOCKET */
  get extras(): CallExtras {
    return takeExtras({}, this.#context.mcpReq._meta).extras;
  }

  canAnswer(method: string): boolean {
    const capability = CAPABILITY[method];
    return capability !== undefined && Object.hasOwn(this.#capabilities, capability);
  }

  /** What the call carries to the upstream (docs/spec/wire.md, `context.mcp`). */
  get carried(): ExchangeMcp {
    const { _meta: { progressToken, ...meta } = {}, inputResponses } = this.#context.mcpReq;
    const level = this.#level;
    return {
      revision: this.revision,
      capabilities: this.#capabilities as Record<string, Json>,
      meta: { ...(forUpstream(meta) as Record<string, Json>), ...(level === undefined ? {} : { [LOG_LEVEL_META_KEY]: level }) },
      progress: progressToken !== undefined,
      ...(inputResponses === undefined ? {} : { inputResponses: inputResponses as Record<string, Json> }),
      ...(this.requestState === undefined ? {} : { requestState: this.requestState }),
    };
  }

  progress(params: Members): void {
    const progressToken = this.#context.mcpReq._meta?.progressToken;
    if (progressToken !== undefined) this.#notify('notifications/progress', { ...params, progressToken });
  }

  log(params: Members): void {
    const level = this.#level;
    if (level !== undefined && isWanted(params['level'], level)) this.#notify('notifications/message', params);
  }

  /** A request to the client, in revision 2025-11-25. @throws where it does not answer. */
  async ask(method: string, params: Members): Promise<Json> {
    const request = { method, params } as unknown as { method: 'roots/list' };
    return (await this.#context.mcpReq.send(request, { timeout: ASK_TIMEOUT_MS, resetTimeoutOnProgress: true })) as Json;
  }

  get #envelope(): Members | undefined {
    return this.#context.mcpReq.envelope;
  }

  get #capabilities(): Members {
    const declared: unknown = this.#envelope === undefined ? this.#ofSession : this.#envelope[CLIENT_CAPABILITIES_META_KEY];
    return isMembers(declared) ? declared : {};
  }

  get #ofSession(): unknown {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the one place where 2025-11-25 has them
    return this.#server.getClientCapabilities();
  }

  get #level(): string | undefined {
    if (this.#envelope === undefined) return this.#sessionLevel ?? DEFAULT_LEVEL;
    const wanted = this.#envelope[LOG_LEVEL_META_KEY];
    return isLevel(wanted) ? wanted : undefined;
  }

  #notify(method: string, params: Members): void {
    this.#context.mcpReq.notify({ method, params }).catch(() => undefined);
  }
}
