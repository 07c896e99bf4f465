// Stands in for everything between the relay and the upstream: each call goes straight to the fixture over HTTP.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { AirlockError, type Json, type Params } from '@airlock/protocol';
import { METHODS } from '@airlock/connector-mcp/static';
import type { CallOptions, Exchange, RelayCalls, RelayedTool } from '@airlock/mcp';

type Members = Readonly<Record<string, unknown>>;
type Listener = (method: string, params: Members) => void;

const ENVELOPE = 'io.modelcontextprotocol/';
const CLIENT_INFO = { name: 'direct-calls', version: '1.0.0' };

const requestOf = (operation: string, params: Params): { method: string; params: Members } => {
  const method = METHODS[operation];
  return method === undefined ? { method: 'tools/call', params: { name: operation, arguments: params } } : { method, params };
};

const membersOf = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {});

/** An error of the upstream as the connector quotes it. */
const quoted = (code: unknown, message: unknown, data?: unknown): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', 'the server answered with an error', {
    found: `rpc ${Number(code)}: ${String(message)}`,
    ...(data === undefined ? {} : { expected: Object.keys(membersOf(membersOf(data)['requiredCapabilities'])).join(', ') }),
  });

const eventsOf = (text: string, isStream: boolean): Members[] =>
  (isStream ? text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [line.slice(6)] : [])) : [text]).map((line) =>
    membersOf(JSON.parse(line)),
  );

/** One request of revision 2026-07-28. */
const post = async (url: string, method: string, params: Members, exchange: Exchange): Promise<Json> => {
  const { capabilities, meta, inputResponses, requestState, progress } = membersOf(exchange.mcp);
  const name = method === 'resources/read' ? params['uri'] : params['name'];
  const body = {
    ...params,
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(requestState === undefined ? {} : { requestState }),
    _meta: {
      ...membersOf(meta),
      ...(progress === true ? { progressToken: 7 } : {}),
      [`${ENVELOPE}protocolVersion`]: '2026-07-28',
      [`${ENVELOPE}clientInfo`]: CLIENT_INFO,
      [`${ENVELOPE}clientCapabilities`]: capabilities ?? {},
    },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: body }),
  });
  const isStream = response.headers.get('content-type')?.includes('event-stream') === true;
  for (const message of eventsOf(await response.text(), isStream)) {
    const { error, result } = message;
    if (error !== undefined) throw quoted(membersOf(error)['code'], membersOf(error)['message'], membersOf(error)['data']);
    if (result !== undefined) return result as Json;
    exchange.onNotify(String(message['method']), membersOf(message['params']));
  }
  throw new AirlockError('UPSTREAM_REFUSED', 'no answer');
};

export interface DirectOptions {
  readonly url: string;
  /** `follow`: the upstream is spoken with in the client's revision; else always in 2025-11-25, as a program is. */
  readonly upstream: 'follow' | '2025-11-25';
}

export class DirectCalls implements RelayCalls {
  readonly #options: DirectOptions;
  readonly #client: Client;
  readonly #listeners = new Set<Listener>();
  #current: Exchange | null = null;

  private constructor(options: DirectOptions, client: Client) {
    this.#options = options;
    this.#client = client;
  }

  static async open(options: DirectOptions): Promise<DirectCalls> {
    const client = new Client(CLIENT_INFO, { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } });
    const direct = new DirectCalls(options, client);
    for (const method of ['sampling/createMessage', 'elicitation/create', 'roots/list'] as const) {
      client.setRequestHandler(
        method,
        async ({ params }: { params?: unknown }) => (await direct.#ask(method, membersOf(params))) as never,
      );
    }
    for (const kind of ['tools', 'prompts', 'resources'] as const) {
      client.setNotificationHandler(`notifications/${kind}/list_changed`, () =>
        direct.#tell(`notifications/${kind}/list_changed`),
      );
    }
    client.setNotificationHandler('notifications/message', ({ params }) =>
      direct.#current?.onNotify('notifications/message', params),
    );
    await client.connect(new StreamableHTTPClientTransport(new URL(options.url)));
    return direct;
  }

  async tools(): Promise<ReadonlyMap<string, RelayedTool>> {
    const { tools } = await this.#client.listTools();
    return new Map(tools.map((tool) => [tool.name, { operation: tool.name, definition: tool }]));
  }

  async tool(name: string): Promise<RelayedTool | undefined> {
    return (await this.tools()).get(name);
  }

  async call(operation: string, params: Params, { exchange, signal }: CallOptions): Promise<Json> {
    if (operation === 'mcp_capabilities') return { capabilities: (this.#client.getServerCapabilities() ?? {}) as Json };
    const { method, params: asked } = requestOf(operation, params);
    if (membersOf(exchange.mcp)['revision'] === '2026-07-28' && this.#options.upstream === 'follow') {
      return post(this.#options.url, method, asked, exchange);
    }
    this.#current = exchange;
    const onprogress = (progress: Members): void => exchange.onNotify('notifications/progress', progress);
    const isWatched = membersOf(exchange.mcp)['progress'] === true;
    try {
      const request = { method, params: asked } as unknown as { method: 'tools/list' };
      return (await this.#client.request(request, { signal, ...(isWatched ? { onprogress } : {}) })) as unknown as Json;
    } catch (thrown) {
      const { code, message } = thrown as { code?: unknown; message?: unknown };
      throw typeof code === 'number' ? quoted(code, message) : thrown;
    }
  }

  refusal(thrown: unknown): Promise<CallToolResult> {
    return Promise.reject(thrown instanceof Error ? thrown : new Error('refused'));
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #ask(method: string, params: Members): Promise<Json> {
    return this.#current === null ? Promise.reject(new Error('nobody is there')) : this.#current.onAsk(method, params);
  }

  #tell(method: string): void {
    for (const listener of this.#listeners) listener(method, {});
  }
}
