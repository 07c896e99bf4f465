/** The calls of a relay as they are made in earnest: through the broker, under whichever lease covers them. */
import { isAirlockError, type Airlock, type CallChoice } from '@airlock/client';
import { AirlockError, asAirlockError, type Json, type Params, type ToolDescription } from '@airlock/protocol';
import type { CallToolResult, Tool } from '@modelcontextprotocol/server';
import type { Broker } from '../broker.js';
import { describeAll, fullName, type Offer } from '../catalogue.js';
import { NO_EXTRAS, type CallExtras } from '../extras.js';
import { errorResult } from '../result.js';
import { callOnce, callUnder, refusal } from '../tools/operation.js';
import { isMembers, type CallOptions, type Exchange, type Members, type RelayCalls, type RelayedTool } from './calls.js';

type Listener = (method: string, params: Members) => void;

/** What the service offers now, and its tools as far as they were described. */
interface Known {
  readonly key: string;
  readonly offers: ReadonlyMap<string, Offer>;
  readonly tools: Promise<ReadonlyMap<string, RelayedTool>>;
}

const relayedTool = ({ name, mcp }: ToolDescription): [string, RelayedTool][] =>
  mcp === undefined || typeof mcp['name'] !== 'string'
    ? []
    : [[mcp['name'], { operation: name, definition: mcp as unknown as Tool }]];

const describeOffers = async (airlock: Airlock, offers: readonly Offer[]): Promise<ReadonlyMap<string, RelayedTool>> => {
  // Operations of the connector itself (`mcp_…`) are behind the methods of the protocol, and no tools.
  const listed = offers.filter(({ name }) => !name.startsWith('mcp_'));
  return new Map((await describeAll(airlock, listed.map(fullName))).flatMap(relayedTool));
};

const extrasOf = (caller: { readonly extras: CallExtras }): CallExtras => {
  try {
    return caller.extras;
  } catch {
    // What was wrong with them is the refusal.
    return NO_EXTRAS;
  }
};

const membersOf = (params: Json): Members => (isMembers(params) ? params : {});

const talkOf = ({ mcp, onNotify, onAsk }: Exchange): NonNullable<CallChoice['exchange']> => ({
  mcp,
  onNotify: (method, params) => onNotify(method, membersOf(params)),
  onAsk: (method, params) => onAsk(method, membersOf(params)),
});

export class BrokerCalls implements RelayCalls {
  readonly #broker: Broker;
  readonly #service: string;
  readonly #listeners = new Set<Listener>();
  #watched: Airlock | null = null;
  #known: Known | null = null;

  constructor(broker: Broker, service: string) {
    this.#broker = broker;
    this.#service = service;
  }

  /** Described once, and again where the gateway said that something changed, or offers others. */
  async tools(): Promise<ReadonlyMap<string, RelayedTool>> {
    this.#broker.forgetCatalogue();
    const { tools } = await this.#look();
    try {
      return await tools;
    } catch (thrown) {
      this.#known = null;
      throw thrown;
    }
  }

  async tool(name: string): Promise<RelayedTool | undefined> {
    const known = this.#known === null ? undefined : (await this.#known.tools).get(name);
    return known ?? (await this.tools()).get(name);
  }

  async call(operation: string, params: Params, { exchange, signal, extras }: CallOptions): Promise<Json> {
    const offer = await this.#offer(operation);
    const choice = { intent: extras.intent, exchange: talkOf(exchange), signal };
    const called =
      extras.capability === undefined
        ? callOnce(this.#broker, offer, params, choice)
        : callUnder(this.#broker, offer, params, extras);
    return (await called).result;
  }

  async refusal(thrown: unknown, operation: string, caller: { readonly extras: CallExtras }): Promise<CallToolResult> {
    if (isAirlockError(thrown, 'CODE_ON_AGENT_SOCKET')) await this.#broker.recordCode();
    try {
      return refusal(this.#broker, await this.#offer(operation), thrown, extrasOf(caller));
    } catch {
      return errorResult(asAirlockError(thrown));
    }
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws AirlockError OPERATION_UNKNOWN */
  async #offer(operation: string): Promise<Offer> {
    const { offers } = this.#known ?? (await this.#look());
    const offer = offers.get(operation);
    if (offer !== undefined) return offer;
    throw new AirlockError('OPERATION_UNKNOWN', 'the service does not have this for your role', {
      field: 'operation',
      expected: [...offers.keys()].slice(0, 64).join(', '),
      hint: 'ask the operator, or use another tool of this service',
    });
  }

  async #look(): Promise<Known> {
    const airlock = await this.#open();
    const { services } = await this.#broker.catalogue();
    const operations = services.find((one) => one.service === this.#service)?.operations ?? [];
    const offers = operations.map((operation) => ({ ...operation, service: this.#service }));
    const key = offers.map(({ name }) => name).join(' ');
    if (this.#known?.key !== key) {
      const tools = describeOffers(airlock, offers);
      tools.catch(() => undefined);
      this.#known = { key, offers: new Map(offers.map((offer) => [offer.name, offer])), tools };
    }
    return this.#known;
  }

  async #open(): Promise<Airlock> {
    const airlock = await this.#broker.open();
    if (airlock === this.#watched) return airlock;
    this.#watched = airlock;
    const changed = (): void => {
      this.#known = null;
      this.#tell('airlock/changed', {});
    };
    airlock.events.on('services.changed', changed);
    airlock.events.on('replaced', changed);
    airlock.events.on('reconnected', changed);
    airlock.events.on('service.event', ({ service, event }) => {
      if (service === this.#service) this.#heard(event);
    });
    return airlock;
  }

  /** What the service said outside of a call. */
  #heard(event: unknown): void {
    const notice = isMembers(event) ? event['notify'] : undefined;
    if (!isMembers(notice) || typeof notice['method'] !== 'string') return;
    this.#tell(notice['method'], isMembers(notice['params']) ? notice['params'] : {});
  }

  #tell(method: string, params: Members): void {
    for (const listener of this.#listeners) listener(method, params);
  }
}
