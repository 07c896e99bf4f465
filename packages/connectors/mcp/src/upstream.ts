/**
 * One connection to a server in one revision: handshake, requests with what belongs to them, what the server says unasked.
 *
 * UPSTREAM-9  A request of the server goes to the caller it belongs to, if that can answer it.
 */
import type { Json } from '@airlock/protocol';
import { isMembers, type Caller, type Members, type Revision } from './contract.js';
import { asError, refused, rpcError, silent } from './errors.js';
import { MCP_LIMITS } from './limits.js';
import { carried } from './message.js';
import { answerRequest } from './server-requests.js';
import { METHOD_NOT_FOUND, type Answer, type Spoken, type Transport } from './transport.js';

const CLIENT_INFO = { name: 'airlock', version: '0.1.0' } as const;
/** What a connection that serves callers of all kinds declares; see UPSTREAM-9. */
const CAPABILITIES = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } } as const;
/** The envelope of 2026-07-28. What a caller's client wrote there is not ours to send. */
const ENVELOPE = 'io.modelcontextprotocol/';
const SPOKEN_BY_US = [`${ENVELOPE}protocolVersion`, `${ENVELOPE}clientInfo`, `${ENVELOPE}clientCapabilities`, 'progressToken'];

const OLD_VERSIONS: ReadonlySet<Json | undefined> = new Set(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']);

export interface About {
  /** The version both sides agreed on. */
  readonly revision: string;
  readonly serverInfo: Json;
  readonly capabilities: Members;
  readonly instructions: string;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly caller: Caller | null;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Call {
  readonly id: number;
  readonly caller: Caller | null;
}

export class Upstream {
  readonly #transport: Transport;
  readonly #onNotice: (method: string, params: Json) => void;
  readonly revision: Revision;
  /** Calls without an answer, the latest last. */
  readonly #calls = new Map<number, Call>();
  #nextId = 1;
  #asks = 0;
  #logLevel: string | undefined;
  about: About = { revision: '', serverInfo: {}, capabilities: {}, instructions: '' };

  constructor(transport: Transport, revision: Revision, onNotice: (method: string, params: Json) => void) {
    this.#transport = transport;
    this.#onNotice = onNotice;
    this.revision = revision;
  }

  get isOver(): boolean {
    return this.#transport.isOver;
  }

  /** @throws AirlockError UPSTREAM_REFUSED `rpc …` or `revision` where the server does not speak this revision */
  async greet(): Promise<About> {
    const isNew = this.revision === '2026-07-28';
    const params = isNew ? {} : { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, clientInfo: CLIENT_INFO };
    const result = await this.ask(isNew ? 'server/discover' : 'initialize', params);
    if (!isMembers(result)) throw refused('not_mcp');
    const { protocolVersion, supportedVersions, capabilities, instructions, _meta } = result;
    const fits = isNew
      ? Array.isArray(supportedVersions) && supportedVersions.includes(this.revision)
      : OLD_VERSIONS.has(protocolVersion);
    if (!fits) throw refused('revision');
    const serverInfo = result['serverInfo'] ?? (isMembers(_meta) ? _meta[`${ENVELOPE}serverInfo`] : undefined) ?? {};
    this.about = {
      revision: typeof protocolVersion === 'string' && !isNew ? protocolVersion : this.revision,
      serverInfo,
      capabilities: isMembers(capabilities) ? capabilities : {},
      instructions: typeof instructions === 'string' ? instructions : '',
    };
    return this.about;
  }

  /** After the handshake of 2025-11-25. */
  async ready(): Promise<void> {
    await this.#transport.notify('notifications/initialized', {});
    this.#transport.listen();
  }

  /** A request of our own, within the time of a handshake. */
  async ask(method: string, params: Members): Promise<Json> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(silent()), MCP_LIMITS.handshakeTimeoutMs);
    try {
      return await this.call(method, params, { signal: deadline.signal, caller: null });
    } catch (thrown) {
      throw asError(thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Unanswered, SessionLost, AirlockError */
  async call(method: string, params: Members, { signal, caller, headers }: CallOptions): Promise<Json> {
    const call = { id: this.#nextId++, caller };
    this.#calls.set(call.id, call);
    try {
      const answer = await this.#transport.request({
        ...{ id: call.id, method, params: this.#enveloped(params, call), signal },
        headers: { ...this.#headers(method, params), ...headers },
        tellCancelled: method !== 'initialize' && method !== 'server/discover',
        onSpoken: (spoken) => this.hear(spoken, call),
      });
      return this.#resultOf(answer);
    } finally {
      this.#calls.delete(call.id);
    }
  }

  /** Starts a stream that lasts; what comes over it is a notice. Only with 2026-07-28. */
  follow(notifications: Members, signal: AbortSignal): void {
    this.call('subscriptions/listen', { notifications }, { signal, caller: null }).catch(() => undefined);
  }

  set logLevel(level: string) {
    this.#logLevel = level;
  }

  /** Takes what the server says unasked; `call` where the transport knows which it belongs to. */
  hear(spoken: Spoken, known: Call | null = null): void {
    if (spoken.kind === 'request') return void this.#answer(spoken, known);
    const { method, params } = spoken;
    if (method === 'notifications/progress') return this.#progress(params);
    try {
      const safe = carried(params);
      const call = known ?? (method === 'notifications/message' ? this.#latest() : null);
      if (call?.caller != null && method === 'notifications/message') call.caller.exchange.notify(method, safe);
      else this.#onNotice(method, safe);
    } catch {
      // What no frame can carry is not told on.
    }
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #resultOf(answer: Answer): Json {
    if (answer.kind === 'error') throw rpcError(answer.code, answer.message, answer.required);
    return answer.result as Json;
  }

  /** Where nothing says which call it is: the latest, all are of one agent's lease. */
  #latest(): Call | null {
    return [...this.#calls.values()].findLast(({ caller }) => caller !== null) ?? null;
  }

  #progress(params: Members): void {
    const { progressToken, ...rest } = params;
    const call = typeof progressToken === 'number' ? this.#calls.get(progressToken) : undefined;
    if (call?.caller?.progress !== true) return;
    try {
      call.caller.exchange.notify('notifications/progress', carried(rest));
    } catch {
      // Progress that no frame can carry is none.
    }
  }

  async #answer({ id, method, params }: Extract<Spoken, { kind: 'request' }>, known: Call | null): Promise<void> {
    if (this.#asks >= MCP_LIMITS.maxAsks) {
      return this.#transport.respond(id, { error: { code: METHOD_NOT_FOUND, message: 'too many requests at a time' } });
    }
    this.#asks += 1;
    try {
      this.#transport.respond(id, await answerRequest(method, params, (known ?? this.#latest())?.caller ?? null));
    } finally {
      this.#asks -= 1;
    }
  }

  #enveloped(params: Members, { id, caller }: Call): Members {
    const given = isMembers(params['_meta']) ? params['_meta'] : {};
    const meta = Object.fromEntries(Object.entries({ ...caller?.meta, ...given }).filter(([key]) => !SPOKEN_BY_US.includes(key)));
    const own: Members = {
      ...(caller?.progress === true ? { progressToken: id } : {}),
      ...(this.revision === '2026-07-28' ? this.#envelope(caller) : {}),
    };
    const all = { ...meta, ...own };
    return Object.keys(all).length === 0 ? params : { ...params, _meta: all };
  }

  #envelope(caller: Caller | null): Members {
    return {
      ...(this.#logLevel === undefined ? {} : { [`${ENVELOPE}logLevel`]: this.#logLevel }),
      [`${ENVELOPE}protocolVersion`]: this.revision,
      [`${ENVELOPE}clientInfo`]: CLIENT_INFO,
      [`${ENVELOPE}clientCapabilities`]: caller?.capabilities ?? {},
    };
  }

  #headers(method: string, params: Members): Record<string, string> {
    if (this.revision !== '2026-07-28') return {};
    const name = method === 'resources/read' ? params['uri'] : params['name'];
    return {
      'mcp-protocol-version': this.revision,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
    };
  }
}

/** A text as a header value (2026-07-28, "Value Encoding"). */
export const headerText = (text: string): string =>
  /^[!-~](?:[ -~]*[!-~])?$/.test(text) && !text.startsWith('=?base64?')
    ? text
    : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
