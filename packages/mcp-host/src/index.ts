/** The host of a third-party MCP server (docs/spec/upstream.md). It runs beside hostile code, so it depends on nothing. */
export { answerDns } from './dns.js';
export { HOST_LIMITS } from './limits.js';
export { newHost, serveHost, type HostOptions, type HostServer } from './host.js';
