/** One endpoint, `/mcp` or `/mcp/SERVICE`: both revisions, every client told when its tools change. */
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHttpHandler,
  type McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server';
import type { NetLimits } from './limits.js';
import type { Exchange, Sessions } from './sessions.js';

export interface EndpointOptions {
  readonly createServer: () => Promise<McpServer>;
  /** Resources that a stream of 2026-07-28 wants to hear of, until it ends. */
  readonly watch?: ((uris: readonly string[], ended: Promise<void>) => void) | undefined;
  readonly sessions: Sessions;
  readonly limits: Pick<NetLimits, 'subscriptions' | 'bodyBytes'>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** The resources of a `subscriptions/listen`. */
const watchedUris = (body: unknown): readonly string[] => {
  if (!isObject(body) || body['method'] !== 'subscriptions/listen' || !isObject(body['params'])) return [];
  const { notifications } = body['params'];
  const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
};

export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #modern: McpHttpHandler;
  /** Servers of sessions and WebSockets; one of a request of 2026-07-28 lives no longer than it. */
  readonly #servers = new Set<McpServer>();

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { subscriptions, bodyBytes } = options.limits;
    this.#modern = createMcpHandler(options.createServer, {
      legacy: 'reject',
      maxSubscriptions: subscriptions,
      maxRequestBodySize: bodyBytes,
    });
  }

  /** Tells the `subscriptions/listen` streams of revision 2026-07-28. */
  get notify(): ServerNotifier {
    return this.#modern.notify;
  }

  /** Servers that outlive a request. */
  get servers(): ReadonlySet<McpServer> {
    return this.#servers;
  }

  /** A server that is told of changes until its connection ends. */
  readonly connect = async (): Promise<McpServer> => {
    const mcp = await this.#options.createServer();
    this.#servers.add(mcp);
    const { onclose } = mcp.server;
    mcp.server.onclose = (): void => {
      this.#servers.delete(mcp);
      onclose?.();
    };
    return mcp;
  };

  async handle(exchange: Exchange): Promise<Response> {
    const { request, body } = exchange;
    if (request.method === 'POST' && !(await isLegacyRequest(request, body))) {
      this.#options.watch?.(watchedUris(body), exchange.ended);
      return this.#modern.fetch(request, { parsedBody: body });
    }
    return this.#options.sessions.handle(this, exchange, this.connect);
  }

  toolsChanged(): void {
    const { notify } = this.#modern;
    notify.toolsChanged();
    // What an upstream has besides is another, too, when access begins or ends; who did not ask for it is not told.
    notify.promptsChanged();
    notify.resourcesChanged();
    for (const server of this.#servers) if (server.isConnected()) server.sendToolListChanged();
  }

  async close(): Promise<void> {
    await this.#modern.close();
  }
}
