/** What the servers of one endpoint share: calls, capabilities, conversations, subscriptions, and who is told of events. */
import type { Result, ServerCapabilities } from '@modelcontextprotocol/server';
import { asAirlockError, type Params, type Timers } from '@airlock/protocol';
import { NO_EXTRAS } from '../extras.js';
import { hideLeases, refuseLeases } from '../lease-text.js';
import { isMembers, type Exchange, type Members, type OwnSide, type RelayCalls, type RelayedTool } from './calls.js';
import { Conversations, type Conversation } from './conversations.js';
import type { Peer } from './peer.js';
import { relayed } from './result.js';
import { Subscriptions } from './subscriptions.js';

/** Until somebody with a lease asked: all there may be, so that a client looks again when a lease was granted. */
const UNKNOWN: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};

const RELAYED = ['resources', 'prompts', 'completions', 'logging'];

/** Where calls are made that no client is behind. */
const NOBODY: Exchange = {
  mcp: { revision: '2025-11-25' },
  onNotify: () => undefined,
  onAsk: () => Promise.reject(new Error('there is nobody to ask')),
};

export type EventListener = (method: string, params: Members) => void;

export class Relay {
  readonly calls: RelayCalls;
  readonly own: OwnSide;
  readonly subscriptions = new Subscriptions();
  readonly #conversations: Conversations;
  readonly #listeners = new Set<EventListener>();
  #capabilities: ServerCapabilities | null = null;

  constructor(calls: RelayCalls, own: OwnSide, timers: Timers) {
    this.calls = calls;
    this.own = own;
    this.#conversations = new Conversations(timers);
    calls.listen((method, params) => this.#heard(method, params));
  }

  /** What the upstream announced, as far as that is known. */
  get capabilities(): ServerCapabilities {
    return this.#capabilities ?? UNKNOWN;
  }

  /** Looks what the upstream announces, where that is not known yet and somebody may ask it. Never throws. */
  async prepare(): Promise<void> {
    if (this.#capabilities !== null) return;
    try {
      const answer = await this.calls.call(
        'mcp_capabilities',
        {},
        { extras: NO_EXTRAS, exchange: NOBODY, signal: new AbortController().signal },
      );
      const announced = isMembers(answer) && isMembers(answer['capabilities']) ? answer['capabilities'] : {};
      const kept = Object.entries(announced).filter(([name, value]) => RELAYED.includes(name) && isMembers(value));
      this.#capabilities = { ...(Object.fromEntries(kept) as ServerCapabilities), tools: { listChanged: true } };
    } catch {
      // Without a lease nobody may ask.
    }
  }

  /** RELAY-1: the upstream's tools under their own names; one that is named like ours is not among them. */
  async tools(): Promise<readonly RelayedTool[]> {
    const all = await this.calls.tools();
    return [...all.values()].filter(({ definition }) => !isReserved(definition.name));
  }

  /** @throws AirlockError UNAVAILABLE … */
  async tool(name: string): Promise<RelayedTool | undefined> {
    return isReserved(name) ? undefined : this.calls.tool(name);
  }

  /**
   * One operation for a client: what it says meanwhile goes to that client, and its result comes back as the upstream gave it.
   * @throws AirlockError, ProtocolError
   */
  async call(peer: Peer, operation: string, params: Params): Promise<Result> {
    refuseLeases(params);
    const { meta, inputResponses, requestState } = peer.carried;
    refuseLeases({ _meta: meta, inputResponses, requestState });
    return hideLeases(await this.#call(peer, operation, params));
  }

  async #call(peer: Peer, operation: string, params: Params): Promise<Result> {
    if (peer.revision === '2025-11-25') return this.#callOnce(peer, operation, params);
    const request = JSON.stringify([operation, params]);
    return this.#conversations.take(peer, request, (conversation) => this.#callFor(conversation, peer, operation, params));
  }

  /** For what no client waits for. @throws AirlockError */
  async tell(operation: string, params: Params): Promise<void> {
    await this.calls.call(operation, params, { extras: NO_EXTRAS, exchange: NOBODY, signal: new AbortController().signal });
  }

  /** Has the upstream tell of resources until the client that wants to hear of them is gone. */
  watch(uris: readonly string[], ended: Promise<void>): void {
    const client = {};
    for (const uri of uris.filter((one) => this.subscriptions.add(one, client))) {
      this.tell('mcp_resource_subscribe', { uri }).catch(() => this.subscriptions.remove(uri, client));
    }
    void ended.then(() => this.leave(client));
  }

  /** Takes the subscriptions of a client with it. */
  leave(client: object): void {
    for (const uri of this.subscriptions.removeAll(client)) {
      this.tell('mcp_resource_unsubscribe', { uri }).catch(() => undefined);
    }
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #callOnce(peer: Peer, operation: string, params: Params): Promise<Result> {
    const exchange = this.#exchange(
      peer,
      () => peer,
      (method, asked) => peer.ask(method, asked),
    );
    return relayed(
      await this.calls.call(operation, params, { extras: peer.extras, exchange, signal: peer.signal }),
      peer.revision,
    );
  }

  async #callFor(conversation: Conversation, peer: Peer, operation: string, params: Params): Promise<Result> {
    const exchange = this.#exchange(
      peer,
      () => conversation.peer,
      (method, asked) => conversation.ask(method, asked),
    );
    return relayed(
      await this.calls.call(operation, params, { extras: peer.extras, exchange, signal: conversation.signal }),
      peer.revision,
    );
  }

  #exchange(peer: Peer, listening: () => Peer | null, ask: Exchange['onAsk']): Exchange {
    return {
      mcp: peer.carried,
      onNotify: (method, params) => {
        if (method === 'notifications/progress') listening()?.progress(params);
        else if (method === 'notifications/message') listening()?.log(params);
        else this.#heard(method, params);
      },
      // RELAY-3: nobody is asked what their client did not declare.
      onAsk: async (method, params) => {
        if (!peer.canAnswer(method)) throw notSupported(method);
        const answer = await ask(method, params);
        refuseLeases({ answer });
        return answer;
      },
    };
  }

  #heard(method: string, params: Members): void {
    if (method === 'airlock/changed') this.#capabilities = null;
    for (const listener of this.#listeners) listener(method, params);
  }
}

/** Names that only Airlock's own tools have. */
const isReserved = (name: string): boolean => name.startsWith('airlock_');

const notSupported = (method: string): Error => asAirlockError(new Error(`the client does not support ${method}`));
