/**
 * The endpoint of one upstream MCP service: a server that is transparent, with Airlock's own tools beside the upstream's.
 *
 * RELAY-1 an upstream's tool named like one of Airlock's own (`airlock_…`) is neither listed nor run.
 * RELAY-2 a refusal of Airlock never looks like an answer of the upstream: it carries code, hint and retry.
 */
import {
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type InputRequiredResult,
  type Result,
  type ResultTypeMap,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { asAirlockError, type Params } from '@airlock/protocol';
import type { Members } from './calls.js';
import { isMethodNotFound, protocolError, quotedError } from './errors.js';
import { Peer } from './peer.js';
import type { Relay } from './relay.js';

/** Tools on one page; a client that aggregates asks for the others. */
const PAGE = 500;

/** Codes that mean: nobody may ask yet. */
const NEEDS_ACCESS = ['LEASE_INVALID', 'LEASE_EXPIRED', 'LEASE_REVOKED', 'LEASE_SESSION', 'LEASE_SCOPE'];

export interface RelayServerOptions {
  readonly relay: Relay;
  readonly name: string;
  readonly version: string;
  readonly instructions: string;
}

type Answer = CallToolResult | InputRequiredResult;
/** The server below, where requests are answered as they came. */
type LowServer = McpServer['server'];

/** Members as parameters: what came over the wire is JSON. */
const params = (members: Members): Params => members as Params;

const given = (name: string, value: unknown): Members => (value === undefined ? {} : { [name]: value });

const unknownTool = (name: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 200)}`, {
    code: 'OPERATION_UNKNOWN',
    hint: 'use one of the listed tools',
    retry: 'never',
  });

class Endpoint {
  readonly #relay: Relay;
  readonly #server: LowServer;
  /** What logging/setLevel asked for on this connection. */
  #level: string | undefined;

  constructor(relay: Relay, server: LowServer) {
    this.#relay = relay;
    this.#server = server;
  }

  serve(): void {
    const { tools, resources, prompts, completions, logging } = this.#server.getCapabilities();
    if (tools !== undefined) this.#tools();
    if (resources !== undefined) this.#resources();
    if (prompts !== undefined) this.#prompts();
    if (completions !== undefined) this.#completion();
    if (logging !== undefined) this.#logging();
    this.#events();
  }

  #peer(context: ServerContext): Peer {
    return new Peer(this.#server, context, this.#level);
  }

  #tools(): void {
    this.#server.setRequestHandler('tools/list', async ({ params: { cursor } = {} }) => {
      const upstream = await this.#relay.tools().catch(() => []);
      const all = [...this.#relay.own.definitions, ...upstream.map(({ definition }) => definition)];
      const from = pageOf(cursor);
      const next = from + PAGE;
      return { tools: all.slice(from, next), ...(next < all.length ? { nextCursor: String(next) } : {}) };
    });
    this.#server.setRequestHandler('tools/call', async (request, context): Promise<Answer> => {
      const { name, arguments: args = {} } = request.params;
      return (await this.#relay.own.run(name, args, context)) ?? this.#callTool(name, args, context);
    });
  }

  async #callTool(name: string, args: Members, context: ServerContext): Promise<Answer> {
    const tool = await this.#relay.tool(name).catch((thrown: unknown) => {
      throw protocolError(thrown);
    });
    if (tool === undefined) throw unknownTool(name);
    const peer = this.#peer(context);
    try {
      return (await this.#relay.call(peer, tool.operation, params(args))) as Answer;
    } catch (thrown) {
      if (thrown instanceof ProtocolError || quotedError(asAirlockError(thrown)) !== null) throw protocolError(thrown);
      return this.#relay.calls.refusal(thrown, tool.operation, peer);
    }
  }

  /** @throws ProtocolError */
  async #request(context: ServerContext, operation: string, members: Members): Promise<Result> {
    try {
      return await this.#relay.call(this.#peer(context), operation, params(members));
    } catch (thrown) {
      const { uri } = members;
      throw protocolError(thrown, typeof uri === 'string' ? { uri } : {});
    }
  }

  /** Without access there is nothing to list yet, and why is told beside it; the client is told when that changes. */
  async #list(context: ServerContext, operation: string, key: string, cursor: string | undefined): Promise<Result> {
    try {
      return await this.#relay.call(this.#peer(context), operation, params(given('cursor', cursor)));
    } catch (thrown) {
      const { data, message } = asAirlockError(thrown);
      if (isMethodNotFound(thrown)) return { [key]: [] };
      if (!NEEDS_ACCESS.includes(data.code)) throw protocolError(thrown);
      const { code, hint, retry } = data;
      return { [key]: [], _meta: { 'airlock/error': { code, message, hint, retry } } };
    }
  }

  #resources(): void {
    const server = this.#server;
    server.setRequestHandler('resources/list', async ({ params: { cursor } = {} }, context) =>
      as<'resources/list'>(await this.#list(context, 'mcp_resources_list', 'resources', cursor)),
    );
    server.setRequestHandler('resources/templates/list', async ({ params: { cursor } = {} }, context) =>
      as<'resources/templates/list'>(await this.#list(context, 'mcp_resource_templates_list', 'resourceTemplates', cursor)),
    );
    server.setRequestHandler('resources/read', async ({ params: { uri } }, context) =>
      as<'resources/read'>(await this.#request(context, 'mcp_resource_read', { uri })),
    );
    server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, context) => {
      if (this.#relay.subscriptions.add(uri, server)) await this.#subscribe(context, uri);
      return {};
    });
    server.setRequestHandler('resources/unsubscribe', async ({ params: { uri } }, context) => {
      if (this.#relay.subscriptions.remove(uri, server)) await this.#request(context, 'mcp_resource_unsubscribe', { uri });
      return {};
    });
  }

  async #subscribe(context: ServerContext, uri: string): Promise<void> {
    try {
      await this.#request(context, 'mcp_resource_subscribe', { uri });
    } catch (thrown) {
      this.#relay.subscriptions.remove(uri, this.#server);
      throw thrown;
    }
  }

  #prompts(): void {
    this.#server.setRequestHandler('prompts/list', async ({ params: { cursor } = {} }, context) =>
      as<'prompts/list'>(await this.#list(context, 'mcp_prompts_list', 'prompts', cursor)),
    );
    this.#server.setRequestHandler('prompts/get', async ({ params: { name, arguments: args } }, context) =>
      as<'prompts/get'>(await this.#request(context, 'mcp_prompt_get', { name, ...given('arguments', args) })),
    );
  }

  #completion(): void {
    this.#server.setRequestHandler('completion/complete', async (request, context) => {
      const { ref, argument, context: known } = request.params;
      const members = { ref, argument, ...given('context', known) };
      return as<'completion/complete'>(await this.#request(context, 'mcp_complete', members));
    });
  }

  #logging(): void {
    this.#server.setRequestHandler('logging/setLevel', async ({ params: { level } }) => {
      this.#level = level;
      // What goes to this client is filtered here; where nobody may ask the upstream yet, that is all.
      await this.#relay.tell('mcp_set_level', { level }).catch(() => undefined);
      return {};
    });
  }

  #events(): void {
    const stop = this.#relay.listen((method, members) => this.#tell(method, members));
    const { onclose } = this.#server;
    this.#server.onclose = (): void => {
      stop();
      this.#relay.leave(this.#server);
      onclose?.();
    };
  }

  #tell(method: string, members: Members): void {
    if (this.#server.transport === undefined || !isTold(method)) return;
    if (method === 'notifications/resources/updated' && !this.#relay.subscriptions.has(String(members['uri']), this.#server))
      return;
    if (method === 'notifications/message' && this.#level === undefined) return;
    this.#server.notification({ method, params: members }).catch(() => undefined);
  }
}

/** What a client is told outside of its requests; the list of tools is the gateway's to speak of. */
const isTold = (method: string): boolean =>
  ['notifications/resources/updated', 'notifications/resources/list_changed', 'notifications/prompts/list_changed'].includes(
    method,
  );

/** The upstream is the one that says what is in a result; it is passed on, not understood. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the method whose result it is
const as = <M extends keyof ResultTypeMap>(result: Result): ResultTypeMap[M] => result as ResultTypeMap[M];

const pageOf = (cursor: string | undefined): number => {
  const from = Number(cursor ?? '0');
  if (Number.isSafeInteger(from) && from >= 0) return from;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid cursor');
};

/** When access begins or ends, everything that the upstream has is another. */
class RelayServer extends McpServer {
  override sendToolListChanged(): void {
    super.sendToolListChanged();
    const { prompts, resources } = this.server.getCapabilities();
    if (prompts !== undefined) this.sendPromptListChanged();
    if (resources !== undefined) this.sendResourceListChanged();
  }
}

/** A server of this endpoint. */
export const createRelayServer = ({ relay, name, version, instructions }: RelayServerOptions): McpServer => {
  const mcp = new RelayServer({ name, version }, { capabilities: relay.capabilities, instructions });
  new Endpoint(relay, mcp.server).serve();
  return mcp;
};
