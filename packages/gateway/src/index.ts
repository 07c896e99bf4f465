/** The daemon that enforces leases, keeps the sealed vault and the audit log. */
export { runGateway, type Gateway } from './gateway.js';
export type { GatewayOptions } from './options.js';
