/**
 * An opened service: its static operations, and its server's tools.
 *
 * UPSTREAM-11  A tool of class write that was sent and not answered is OUTCOME_UNKNOWN.
 */
import { AirlockError, type Json, type OperationResult, type Params } from '@airlock/protocol';
import {
  callerOf,
  isMembers,
  type Caller,
  type Listed,
  type McpContext,
  type McpOperationContext,
  type McpSession,
  type Members,
} from './contract.js';
import { Connections, type OpenOptions } from './connections.js';
import { asError, outcomeUnknown, refused, SessionLost, Unanswered } from './errors.js';
import { LastWords } from './last-words.js';
import { MCP_LIMITS } from './limits.js';
import { allTools, operationsOf, type Tool } from './listing.js';
import { carried } from './message.js';
import { paramHeaders } from './param-headers.js';
import { RequestStates } from './request-states.js';
import { answerRequest, canAnswer } from './server-requests.js';
import { LISTS, METHODS } from './static.js';
import { Subscriptions } from './subscriptions.js';
import type { Upstream } from './upstream.js';

interface Request {
  readonly method: string;
  readonly params: Members;
  readonly tool?: Tool;
}

interface Way {
  readonly signal: AbortSignal;
  readonly caller: Caller | null;
}

class Session implements McpSession {
  readonly #context: McpContext;
  readonly #connections: Connections;
  readonly #subscriptions = new Subscriptions();
  readonly #states = new RequestStates();
  #tools: ReadonlyMap<string, Tool> | null = null;
  #listeners: (() => void)[] = [];
  #changed: NodeJS.Timeout | null = null;
  readonly #words: LastWords;

  constructor(context: McpContext, options: OpenOptions) {
    this.#context = context;
    this.#words = new LastWords(context.said);
    this.#connections = new Connections(context, options, {
      onNotice: (method, params) => this.#onNotice(method, params),
      onStderr: (text) => this.#words.add(text),
    });
  }

  stderr(): string {
    return this.#words.text;
  }

  async list(): Promise<readonly Listed[]> {
    try {
      const upstream = await this.#connections.get('2025-11-25');
      this.#subscriptions.listen(upstream);
      const tools = Object.hasOwn(upstream.about.capabilities, 'tools')
        ? await allTools((method, params) => upstream.ask(method, params))
        : [];
      const made = operationsOf(tools, this.#connections.hasNetwork);
      this.#tools = new Map(made.map((tool) => [tool.listed.operation.name, tool]));
      return made.map(({ listed }) => listed);
    } catch (thrown) {
      throw thrown instanceof SessionLost ? refused('not_mcp') : asError(thrown);
    }
  }

  onListChanged(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async execute(operation: string, params: Params, { signal, exchange }: McpOperationContext): Promise<OperationResult> {
    const caller = this.#states.restore(callerOf(exchange));
    const way = { signal, caller: caller !== null && BARE.has(operation) ? bare(caller) : caller };
    if (operation === 'mcp_capabilities') return { result: carried(await this.#capabilities(way)), count: 1 };
    const request = await this.#requestOf(operation, params);
    const isWrite = request.tool?.listed.operation.class === 'write';
    const result = this.#states.hide(await this.#run(request, way, isWrite));
    const list = isMembers(result) ? result[LISTS[operation] ?? 'content'] : undefined;
    return { result, count: Array.isArray(list) ? list.length : 1 };
  }

  async close(): Promise<void> {
    if (this.#changed !== null) clearTimeout(this.#changed);
    this.#subscriptions.close();
    await this.#connections.close();
    this.#words.tell();
  }

  async #capabilities({ caller }: Way): Promise<Json> {
    const { about } = await this.#upstreamFor(caller);
    return { ...about };
  }

  #upstreamFor(caller: Caller | null): Promise<Upstream> {
    return this.#connections.get(caller?.revision ?? '2025-11-25');
  }

  async #requestOf(operation: string, params: Params): Promise<Request> {
    const method = METHODS[operation];
    if (method !== undefined) return { method, params };
    if (this.#tools === null) await this.list();
    const tool = this.#tools?.get(operation);
    if (tool === undefined || tool.listed.problem !== undefined)
      throw new AirlockError('OPERATION_UNKNOWN', 'the server has no such tool', { field: 'operation' });
    return { method: 'tools/call', params: { name: tool.name, arguments: params }, tool };
  }

  /** Once more where the server forgot the session: nothing was carried out then. */
  async #run(request: Request, way: Way, isWrite: boolean): Promise<Json> {
    for (let attempt = 0; ; attempt += 1) {
      const upstream = await this.#upstreamFor(way.caller);
      try {
        return await this.#ask(upstream, request, way);
      } catch (thrown) {
        if (thrown instanceof SessionLost && attempt === 0) {
          await this.#connections.drop(upstream);
          continue;
        }
        if (thrown instanceof Unanswered && isWrite) throw outcomeUnknown();
        throw asError(thrown);
      }
    }
  }

  async #ask(upstream: Upstream, request: Request, way: Way): Promise<Json> {
    const special = this.#special(upstream, request);
    if (special !== null) return special;
    const { caller } = way;
    const headers = request.tool === undefined ? {} : paramHeaders(request.tool.inputSchema, argumentsOf(request));
    let more: Members = caller?.inputResponses === undefined ? {} : { inputResponses: caller.inputResponses };
    if (caller?.requestState !== undefined) more = { ...more, requestState: caller.requestState };
    const isNew = upstream.revision === '2026-07-28';
    for (let round = 0; ; round += 1) {
      const result = await upstream.call(
        methodFor(upstream, request),
        { ...request.params, ...(isNew ? more : {}) },
        { ...way, headers },
      );
      const safe = safeResult(result);
      if (!isMembers(safe) || safe['resultType'] !== 'input_required' || caller?.revision === '2026-07-28') return safe;
      if (round >= MCP_LIMITS.maxRounds) throw refused('input_required');
      more = await bridged(safe, caller);
    }
  }

  /** What 2026-07-28 does in another way. */
  #special(upstream: Upstream, { method, params }: Request): Json | null {
    if (upstream.revision !== '2026-07-28') return null;
    const { level, uri } = params;
    if (method === 'logging/setLevel' && typeof level === 'string') upstream.logLevel = level;
    else if (method === 'resources/subscribe' && typeof uri === 'string') this.#subscriptions.add(upstream, uri);
    else if (method === 'resources/unsubscribe' && typeof uri === 'string') this.#subscriptions.remove(upstream, uri);
    else return null;
    return {};
  }

  #onNotice(method: string, params: Json): void {
    if (method === 'notifications/tools/list_changed') return this.#onToolsChanged();
    if (EMITTED.has(method)) this.#context.emit?.({ notify: { method, params } });
  }

  #onToolsChanged(): void {
    this.#changed ??= setTimeout(() => {
      this.#changed = null;
      for (const listener of this.#listeners) listener();
    }, MCP_LIMITS.listChangedMs);
  }
}

/** What is told on outside of a call. */
const EMITTED: ReadonlySet<string> = new Set([
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
]);

/** What is no `outward` operation, whoever the server is (UPSTREAM-17). */
const BARE: ReadonlySet<string> = new Set(['mcp_ping', 'mcp_capabilities', 'mcp_set_level']);

/** The caller without what an agent could write into the envelope of a request. */
const bare = ({ revision, progress, exchange }: Caller): Caller => ({ revision, progress, exchange, capabilities: {}, meta: {} });

const methodFor = (upstream: Upstream, { method }: Request): string =>
  method === 'ping' && upstream.revision === '2026-07-28' ? 'server/discover' : method;

const argumentsOf = ({ params }: Request): Members => (isMembers(params['arguments']) ? params['arguments'] : {});

/** UPSTREAM-13. What cannot be carried was an answer all the same: what came of it is not known. */
const safeResult = (result: Json): Json => {
  try {
    return carried(result);
  } catch (thrown) {
    throw new Unanswered(asError(thrown));
  }
};

/** An `input_required` answer, asked of a client that knows nothing of it. @throws AirlockError UPSTREAM_REFUSED */
const bridged = async ({ inputRequests, requestState }: Members, caller: Caller | null): Promise<Members> => {
  const asked = Object.entries(isMembers(inputRequests) ? inputRequests : {});
  if (caller === null || asked.length > MCP_LIMITS.maxAsks) throw refused('input_required');
  const answers: [string, Json][] = [];
  for (const [key, request] of asked) {
    const { method, params } = isMembers(request) ? request : {};
    if (typeof method !== 'string' || !canAnswer(method, caller)) throw refused('input_required');
    const body = await answerRequest(method, isMembers(params) ? params : {}, caller);
    if (!('result' in body)) throw refused('input_required');
    answers.push([key, body.result]);
  }
  return { inputResponses: Object.fromEntries(answers), ...(requestState === undefined ? {} : { requestState }) };
};

/** @throws AirlockError CONFIG_INVALID for a service that says neither program nor URL. */
export const openMcpSession = (context: McpContext, options: OpenOptions = {}): McpSession => new Session(context, options);
