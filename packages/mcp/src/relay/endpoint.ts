/** The servers of one endpoint: the relay of an upstream MCP service, or Airlock's own server. */
import type { McpServer } from '@modelcontextprotocol/server';
import type { Broker } from '../broker.js';
import { INSTRUCTIONS, callTool, createServer } from '../server.js';
import type { Surface } from '../surface.js';
import { OWN_TOOLS } from '../tools/index.js';
import { BrokerCalls } from './broker-calls.js';
import type { OwnSide } from './calls.js';
import { Relay } from './relay.js';
import { createRelayServer } from './server.js';

/** Kinds whose services are upstream MCP servers (docs/spec/upstream.md). */
const UPSTREAM_KINDS = ['mcp', 'mcp-url'];

const relays = new WeakMap<Broker, Map<string, Relay>>();

/** Airlock's own tools, as they are beside those of every service. */
const ownSide = (broker: Broker, service: string): OwnSide => ({
  definitions: OWN_TOOLS.map(({ definition }) => definition),
  run: (name, args, context) => {
    const isOwn = OWN_TOOLS.some(({ definition }) => definition.name === name);
    return isOwn ? callTool(broker, { service }, { name, args }, context) : null;
  },
});

/** Shared by all servers of the endpoint, as their calls are of one agent. */
export const relayOf = (broker: Broker, service: string): Relay => {
  const known = relays.get(broker) ?? new Map<string, Relay>();
  relays.set(broker, known);
  const relay = known.get(service) ?? new Relay(new BrokerCalls(broker, service), ownSide(broker, service), broker.timers);
  known.set(service, relay);
  return relay;
};

/** Whether a service is an upstream MCP server; false where nobody knows. Never throws. */
export const isUpstream = async (broker: Broker, service: string): Promise<boolean> => {
  try {
    return UPSTREAM_KINDS.includes((await broker.kindOf(service)) ?? '');
  } catch {
    return false;
  }
};

/** A server of an endpoint: of one service, or of all. Never throws: without a gateway the own tools say why. */
export const createEndpointServer = async (broker: Broker, version: string, surface: Surface = {}): Promise<McpServer> => {
  const { service } = surface;
  if (service === undefined || !(await isUpstream(broker, service))) return createServer(broker, version, surface);
  const relay = relayOf(broker, service);
  await relay.prepare();
  return createRelayServer({ relay, name: 'airlock', version, instructions: INSTRUCTIONS });
};
