/** The MCP server that an agent starts. */
export { Broker, type BrokerOptions, type Granted, type PendingRequest } from './broker.js';
export { refuseCodes } from './code-guard.js';
export { OWN_NAMES, createServer } from './server.js';
export type { Listing, Surface } from './surface.js';
export * from './relay/index.js';
export { serveMcp, type ServeMcpOptions } from './serve.js';
export { openNetwork, type Network, type NetworkOptions } from './network.js';
