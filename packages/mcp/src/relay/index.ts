/** The endpoint of one upstream MCP service. */
export type { CallOptions, Exchange, OwnSide, RelayCalls, RelayedTool } from './calls.js';
export { createEndpointServer, isUpstream, relayOf } from './endpoint.js';
export { Relay } from './relay.js';
export { createRelayServer, type RelayServerOptions } from './server.js';
