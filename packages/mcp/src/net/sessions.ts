/**
 * Sessions of revision 2025-11-25 over HTTP: a server instance each, found by its id.
 *
 * NET-6 there are at most so many; the one idle for longest makes room, and where none is idle a new one is refused.
 * NET-7 a session belongs to the credential that began it and to its endpoint: to anybody else it is not there.
 */
import { randomBytes } from 'node:crypto';
import { WebStandardStreamableHTTPServerTransport, isInitializeRequest, type McpServer } from '@modelcontextprotocol/server';
import { RecentEvents } from './event-store.js';
import { refusal } from './refusal.js';
import type { NetLimits } from './limits.js';

/** One request, until its answer was sent or its client went away. */
export interface Exchange {
  readonly request: Request;
  /** The parsed body of a POST. */
  readonly body: unknown;
  /** Which credential asks. */
  readonly owner: string;
  readonly ended: Promise<void>;
}

interface Session {
  readonly endpoint: object;
  readonly owner: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Exchanges that are not ended, open streams among them. */
  busy: number;
}

const SESSION_ID_BYTES = 18;
const SESSION_HEADER = 'mcp-session-id';

/** As the SDK's transport says it: JSON-RPC without an id. */
const rpcError = (status: number, code: number, message: string): Response =>
  Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });

const full = (): Response =>
  refusal(
    503,
    { code: 'RATE_LIMITED', message: 'every session is in use', hint: 'end one (DELETE), or try again later' },
    { 'retry-after': '5' },
  );

export class Sessions {
  /** In the order of their last use: the first is idle for longest. */
  readonly #sessions = new Map<string, Session>();
  readonly #limits: Pick<NetLimits, 'sessions' | 'events' | 'eventBytes' | 'bodyBytes'>;

  constructor(limits: Pick<NetLimits, 'sessions' | 'events' | 'eventBytes' | 'bodyBytes'>) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Answers a request of this revision. `connect` makes the server of a new session. */
  handle(endpoint: object, exchange: Exchange, connect: () => Promise<McpServer>): Promise<Response> {
    const id = exchange.request.headers.get(SESSION_HEADER);
    if (id !== null) return this.#continue(endpoint, id, exchange);
    if (exchange.request.method === 'POST' && isInitializeRequest(exchange.body)) return this.#begin(endpoint, exchange, connect);
    return Promise.resolve(rpcError(400, -32000, 'Bad Request: Mcp-Session-Id header is required; begin with initialize'));
  }

  /** Ends those of one credential, or all. */
  async close(owner?: string): Promise<void> {
    const ended = [...this.#sessions.values()].filter((session) => owner === undefined || session.owner === owner);
    await Promise.all(ended.map(({ transport }) => transport.close()));
  }

  async #begin(endpoint: object, exchange: Exchange, connect: () => Promise<McpServer>): Promise<Response> {
    if (this.#sessions.size >= this.#limits.sessions && !(await this.#makeRoom())) return full();
    const transport = this.#transport(endpoint, exchange.owner);
    await (await connect()).connect(transport);
    const response = await transport.handleRequest(exchange.request, { parsedBody: exchange.body });
    const session = transport.sessionId === undefined ? undefined : this.#sessions.get(transport.sessionId);
    if (session === undefined) await transport.close();
    else this.#track(session, exchange);
    return response;
  }

  #transport(endpoint: object, owner: string): WebStandardStreamableHTTPServerTransport {
    const { events, eventBytes, bodyBytes } = this.#limits;
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(SESSION_ID_BYTES).toString('base64url'),
      onsessioninitialized: (id) => void this.#sessions.set(id, { endpoint, owner, transport, busy: 0 }),
      onsessionclosed: (id) => void this.#sessions.delete(id),
      eventStore: new RecentEvents(events, eventBytes),
      maxRequestBodySize: bodyBytes,
    });
    transport.onclose = (): void => {
      if (transport.sessionId !== undefined) this.#sessions.delete(transport.sessionId);
    };
    return transport;
  }

  async #continue(endpoint: object, id: string, exchange: Exchange): Promise<Response> {
    const session = this.#sessions.get(id);
    if (session === undefined || session.endpoint !== endpoint || session.owner !== exchange.owner) {
      return rpcError(404, -32001, 'Session not found');
    }
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    this.#track(session, exchange);
    const { request, body } = exchange;
    return session.transport.handleRequest(request, request.method === 'POST' ? { parsedBody: body } : {});
  }

  #track(session: Session, { ended }: Exchange): void {
    session.busy += 1;
    void ended.then(() => (session.busy -= 1));
  }

  async #makeRoom(): Promise<boolean> {
    const idle = [...this.#sessions.values()].find(({ busy }) => busy === 0);
    await idle?.transport.close();
    return idle !== undefined;
  }
}
