/** The endpoints there are: everything, and one for each service that the role may ever get. */
import { servicesList } from '@airlock/client';
import type { McpServer } from '@modelcontextprotocol/server';
import { AirlockError, SERVICE_PATTERN } from '@airlock/protocol';
import type { Broker } from '../broker.js';
import { createEndpointServer, isUpstream, relayOf } from '../relay/endpoint.js';
import type { Listing } from '../surface.js';
import { Endpoint } from './endpoint.js';
import type { NetLimits } from './limits.js';
import { Sessions } from './sessions.js';

const SERVICE = new RegExp(SERVICE_PATTERN);
const ALL = '';

const unknownService = (names: readonly string[]): AirlockError =>
  new AirlockError('SERVICE_UNKNOWN', 'there is no endpoint for such a service', {
    expected: names.join(', '),
    hint:
      names.length === 0 ? 'use /mcp; this role has no services yet' : 'use /mcp for all services, or /mcp/NAME for one of these',
  });

/** The service an endpoint's path names: '' for all, null where it is no path of an endpoint. */
export const serviceOfPath = (path: string): string | null => {
  if (path === '/mcp' || path === '/mcp/') return ALL;
  const name = path.startsWith('/mcp/') ? path.slice('/mcp/'.length) : '';
  return SERVICE.test(name) ? name : null;
};

export interface EndpointsOptions {
  readonly version: string;
  readonly tools?: Listing | undefined;
  readonly limits: NetLimits;
}

export class Endpoints {
  readonly sessions: Sessions;
  readonly #broker: Broker;
  readonly #options: EndpointsOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Services that were there at the last look. */
  #known: ReadonlySet<string> = new Set([ALL]);

  constructor(broker: Broker, options: EndpointsOptions) {
    this.#broker = broker;
    this.#options = options;
    this.sessions = new Sessions(options.limits);
  }

  /** @throws AirlockError SERVICE_UNKNOWN naming those there are; UNAVAILABLE where nobody knows. */
  async find(service: string): Promise<Endpoint> {
    if (!this.#known.has(service)) await this.#look(service);
    const found = this.#endpoints.get(service) ?? (await this.#make(service));
    // Somebody else may have made it meanwhile.
    const kept = this.#endpoints.get(service) ?? found;
    this.#endpoints.set(service, kept);
    return kept;
  }

  toolsChanged(): void {
    this.#known = new Set([ALL]);
    for (const endpoint of this.#endpoints.values()) endpoint.toolsChanged();
  }

  async close(): Promise<void> {
    await this.sessions.close();
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
  }

  async #look(service: string): Promise<void> {
    const { session } = await this.#broker.open();
    const names = (await servicesList(session)).map((one) => one.service);
    this.#known = new Set([ALL, ...names]);
    if (!this.#known.has(service)) throw unknownService(names);
  }

  async #make(service: string): Promise<Endpoint> {
    const { version, tools, limits } = this.#options;
    const surface = { service: service === ALL ? undefined : service, tools };
    const createServer = (): Promise<McpServer> => createEndpointServer(this.#broker, version, surface);
    const plain = { createServer, sessions: this.sessions, limits };
    if (service === ALL || !(await isUpstream(this.#broker, service))) return new Endpoint(plain);
    const relay = relayOf(this.#broker, service);
    const endpoint = new Endpoint({ ...plain, watch: (uris, ended) => relay.watch(uris, ended) });
    relay.listen((method, params) => tell(endpoint, method, params));
    return endpoint;
  }
}

/** What the service said outside of calls, for the streams of 2026-07-28. */
const tell = ({ notify }: Endpoint, method: string, { uri }: Readonly<Record<string, unknown>>): void => {
  if (method === 'notifications/prompts/list_changed') notify.promptsChanged();
  else if (method === 'notifications/resources/list_changed') notify.resourcesChanged();
  else if (method === 'notifications/resources/updated' && typeof uri === 'string') notify.resourceUpdated(uri);
};
