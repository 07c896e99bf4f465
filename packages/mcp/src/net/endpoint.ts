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
  readonly createServer: () => McpServer;
  readonly sessions: Sessions;
  readonly limits: Pick<NetLimits, 'subscriptions' | 'bodyBytes'>;
}

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
  readonly connect = (): McpServer => {
    const mcp = this.#options.createServer();
    this.#servers.add(mcp);
    mcp.server.onclose = () => void this.#servers.delete(mcp);
    return mcp;
  };

  async handle(exchange: Exchange): Promise<Response> {
    const { request, body } = exchange;
    if (request.method === 'POST' && !(await isLegacyRequest(request, body))) {
      return this.#modern.fetch(request, { parsedBody: body });
    }
    return this.#options.sessions.handle(this, exchange, this.connect);
  }

  toolsChanged(): void {
    this.#modern.notify.toolsChanged();
    for (const server of this.#servers) if (server.isConnected()) server.sendToolListChanged();
  }

  async close(): Promise<void> {
    await this.#modern.close();
  }
}
